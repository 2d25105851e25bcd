import type { Config } from '../config/environment.ts';
import { MissingHistory } from '../contract/failures.ts';
import { printJson, say } from './print.ts';
import { openSession } from './session.ts';
import { workflowIdOf } from './start.ts';
import { printRun, printVersion } from './status/print.ts';
import { latestRun } from './status/run.ts';
import { storedVersion } from './status/version.ts';

/** `status N`: the latest run of a batch, and the version that stands. */
export async function status(
  config: Config,
  { pipeline, batch, json }: { pipeline: string; batch: number; json?: boolean | undefined },
): Promise<number> {
  const session = await openSession(config, { check: ['temporal'] });
  try {
    const [run, stored] = await Promise.all([
      latestRun(session, workflowIdOf({ pipeline, batch })),
      storedVersion(session, pipeline, batch),
    ]);
    const { version, origins, tracked, stale, logging } = stored;
    // Temporal alone still tells of the run; with no run to tell of, the store is what is missing.
    if (stored.error !== null && run === null) throw stored.error;
    if (run === null && version === null)
      throw new MissingHistory(
        `batch ${batch} of ${pipeline} has never been run: run it with "run ${batch} --pipeline ${pipeline}"`,
      );
    if (stored.error !== null)
      say(`what stands cannot be told: ${stored.error.message}`, 'warning');
    const unknown = stored.error === null ? {} : { storage: stored.error.message };
    const asOf = new Date().toISOString();
    const document = { pipeline, batch, asOf, run, version, origins, tracked, stale, logging };
    if (json === true) printJson({ ...document, ...unknown });
    else {
      if (run !== null) printRun(run);
      if (version !== null) printVersion(session, version, stored);
    }
    return 0;
  } finally {
    await session.close();
  }
}
