import type { LoggedVersion, LogVersionInput } from '../contract/versions.ts';
import type { Config } from '../config/environment.ts';
import { isDirectoryUri } from '../tracking/place.ts';
import type { logVersion } from '../workflows/index.ts';
import { noVersionYet } from './latest.ts';
import { printJson } from './print.ts';
import { openSession, type Session } from './session.ts';
import { warnWithoutWorker } from './workers.ts';

/**
 * `log N`, `log --all`: logs versions that were built to where runs are tracked now, a workflow each, in
 * order. What is there already is left as it is, so that it can be asked again.
 * @param version undefined: every version of the pipeline
 */
export async function log(
  config: Config,
  asked: { pipeline: string; version: number | undefined; json?: boolean | undefined },
): Promise<number> {
  const { pipeline, version, json } = asked;
  const session = await openSession(config, { check: ['temporal', 'storage'] });
  try {
    await session.tracker.check();
    await warnWithoutWorker(session);
    const versions = version === undefined ? await everyVersion(session, pipeline) : [version];
    const logged: (LoggedVersion & { url: string })[] = [];
    for (const one of versions) {
      const done = await logOne(session, pipeline, one);
      const url = session.tracker.runUrl(done.mlflow.experimentId, done.mlflow.runId);
      logged.push({ ...done, url });
      if (json !== true)
        process.stdout.write(
          `version ${one}, build ${done.seq}: ${done.added ? 'logged' : 'was logged already'}  ${url}\n`,
        );
    }
    if (json === true) printJson({ pipeline, trackingUri: session.tracker.uri, versions: logged });
    return 0;
  } finally {
    await session.close();
  }
}

async function everyVersion({ store }: Session, pipeline: string): Promise<number[]> {
  const versions = (await store.records.list(pipeline)).map(({ version }) => version);
  if (versions.length > 0) return versions;
  throw noVersionYet(pipeline);
}

/** Starts the workflow, or follows the one that is at it. */
async function logOne(session: Session, pipeline: string, version: number): Promise<LoggedVersion> {
  const place = session.tracker.place();
  const input: LogVersionInput = {
    pipeline,
    version,
    ...(isDirectoryUri(place) ? { trackingFolder: place } : {}),
  };
  return session.client.workflow.execute<typeof logVersion>('logVersion', {
    workflowId: `${pipeline}-log-${version}`,
    workflowIdConflictPolicy: 'USE_EXISTING',
    taskQueue: session.config.taskQueue,
    args: [input],
    staticSummary: `${pipeline} · log version ${version}`,
  });
}
