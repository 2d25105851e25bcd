import {
  type Credentials,
  readCredentials,
  readStackState,
  type StackAddresses,
  listAddresses,
} from '../../infra/stack-folder.ts';

/**
 * The variables with which a client reaches the stack in `dir`, its credentials included.
 * @throws Error when no stack was ever started there.
 */
export function stackEnv(dir: string): StackAddresses & Credentials {
  const state = readStackState(dir);
  if (state === undefined) throw new Error(`there is no stack in ${dir}`);
  return { ...listAddresses(state.ports), ...readCredentials(dir) };
}
