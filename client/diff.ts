import type { Config } from '../config/environment.ts';
import type { VersionRecord } from '../store/records.ts';
import { findBuild, type BuildName } from './diff/build.ts';
import { diffOf } from './diff/document.ts';
import { diffText } from './diff/print.ts';
import { printJson } from './print.ts';
import { openSession, type Session } from './session.ts';

export interface DiffRequest {
  pipeline: string;
  old: BuildName;
  new: BuildName;
  json?: boolean | undefined;
}

/** `diff A B`: what differs between two versions, or two builds of one. */
export async function diff(config: Config, request: DiffRequest): Promise<number> {
  return comparing(config, request, async ({ store }, old, now) => {
    const document = await diffOf(store, old, now);
    if (request.json === true) printJson(document);
    else process.stdout.write(`${diffText(document)}\n`);
  });
}

/**
 * Finds the two builds and shows what `show` makes of them.
 * @throws MissingHistory when one of them has not been built
 */
export async function comparing(
  config: Config,
  request: DiffRequest,
  show: (session: Session, old: VersionRecord, now: VersionRecord) => Promise<void>,
): Promise<number> {
  const session = await openSession(config, { check: ['storage'] });
  const { records } = session.store;
  try {
    const [old, now] = await Promise.all(
      [request.old, request.new].map((name) => findBuild(records, request.pipeline, name)),
    );
    await show(session, old!, now!);
    return 0;
  } finally {
    await session.close();
  }
}
