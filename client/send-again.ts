import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { RAW_FILES } from '../contract/paths.ts';
import { isDirectory, type Ref } from '../contract/ref.ts';
import { say } from './print.ts';
import type { Session } from './session.ts';
import { start, type Request, type Started } from './start.ts';

/**
 * Starts a run once more that failed because what this machine had brought for it is missing or damaged
 * in the store, and brings it anew: no worker can. A checksum may hide damage, so it is seen only there.
 * @returns undefined where that is not why it failed, or this machine has other bytes
 */
export async function sendAgain(
  session: Session,
  { source }: Pick<Started, 'source'>,
  request: Request,
  error: unknown,
): Promise<Started | undefined> {
  const lost = lostObject(error);
  if (source === undefined || lost === undefined || request.damaged !== undefined) return undefined;
  const ours = isDirectory(source) ? lost.path.startsWith(RAW_FILES) : lost.md5 === source.md5;
  if (!ours) return undefined;
  say(`${lost.path} is missing or damaged in the store: it is sent again`, 'warning');
  return start(session, { ...request, damaged: [lost.md5] });
}

/** The object whose loss ended a run. */
function lostObject(error: unknown): Pick<Ref, 'path' | 'md5'> | undefined {
  const failure = error instanceof WorkflowFailedError ? error.cause?.cause : undefined;
  if (!(failure instanceof ApplicationFailure) || failure.type !== 'DamagedArtifact')
    return undefined;
  const [facts] = (failure.details ?? []) as { ref?: Pick<Ref, 'path' | 'md5'> }[];
  return facts?.ref;
}
