import type { Config } from '../config/environment.ts';
import {
  isRefused,
  PATIENCE_MS,
  readTemporalLocation,
  tryPatiently,
} from '../config/connections.ts';
import { messageOf, RetrainError, SetupError } from '../contract/failures.ts';
import { say } from './print.ts';

/** A server that a command may need. */
export type Server = 'temporal' | 'storage' | 'tracking';

const TITLES: Record<Server, string> = { temporal: 'Temporal', storage: 'S3', tracking: 'MLflow' };

/** The address of each server; undefined where there is none to ask: AWS, or a tracking directory. */
export function listServers({ storage, tracking }: Config): Record<Server, string | undefined> {
  return {
    temporal: readTemporalLocation().address,
    storage: storage.endpoint,
    tracking: /^https?:/.test(tracking.uri) ? tracking.uri : undefined,
  };
}

/**
 * Tries `check` again while a server is busy, for at most 30 s in all. A server that refuses connections is not
 * running, so this fails at once. With `untilItRuns` it waits, because a nightly must survive the restart of a
 * server.
 * @param again whether another try can help after this error
 */
export async function withPatience(
  server: Server,
  address: string,
  check: () => Promise<void>,
  { untilItRuns, again }: { untilItRuns: boolean; again: (error: unknown) => boolean },
): Promise<void> {
  await tryPatiently(
    check,
    async (error) => again(error) && (untilItRuns || !(await isRefused(address))),
    () =>
      say(
        `${TITLES[server]} at ${address} does not answer yet: trying for ${PATIENCE_MS / 1_000} s`,
      ),
  );
}

/**
 * The error of a command whose servers could not all be reached. It names every server that is down, also those that
 * this command does not need: a person who starts one will need the others.
 * @param failures at least one
 * @param checked the servers whose failures these are
 */
export async function nameAllDown(
  config: Config,
  failures: readonly unknown[],
  checked: readonly Server[],
): Promise<unknown> {
  const [first] = failures;
  if (!(first instanceof RetrainError)) return first;
  const servers = Object.entries(listServers(config)) as [Server, string | undefined][];
  const others = servers.filter(([name]) => !checked.includes(name));
  const refused = await Promise.all(
    others.map(async ([name, address]) =>
      address !== undefined && (await isRefused(address)) ? [`${TITLES[name]} at ${address}`] : [],
    ),
  );
  const alsoDown = refused.flat();
  if (failures.length === 1 && alsoDown.length === 0) return first;
  const sentences = [
    ...failures.map(messageOf),
    ...(alsoDown.length === 0 ? [] : [`not running either: ${alsoDown.join(' and ')}`]),
  ];
  return new SetupError(sentences.join('\n'), { cause: first });
}
