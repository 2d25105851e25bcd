/** The promotion, and a workflow that proposes a build to it, as a run does. */
export { promote } from '../../workflows/promote.ts';
export { proposeBuild } from '../../workflows/propose.ts';

/** A stub of the workflow that logs a version later. */
export async function logVersion(): Promise<void> {
  return undefined;
}
