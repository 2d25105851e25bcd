import type { Command } from 'commander';
import { parseVersion } from '../arguments.ts';
import { formatLink, print, printJson } from '../print.ts';
import { type Session, withSession } from '../session.ts';
import { listVersions } from '../versions.ts';
import type { Config } from '../../config/environment.ts';
import { BadParams } from '../../contract/failures.ts';
import {
  isSameBuild,
  nameBuild,
  type LogVersionInput,
  type LoggedVersion,
} from '../../contract/versions.ts';
import type { Store } from '../../store/index.ts';
import { isDirectoryUri } from '../../tracking/place.ts';
import type { logVersion } from '../../workflows/index.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../context.ts';
import { RETRAIN } from '../../contract/command.ts';

export function logCommand(context: CommandContext): Command {
  return pipelineCommand('log')
    .argument('[N]', 'the version, from 1; without it, --all is required', parseVersion)
    .option('--all', 'every version, in order')
    .addHelpText('after', examples('log 2', 'log --all'))
    .action(async (version: number | undefined, flags: CommonFlags & { all?: boolean }) => {
      if ((version === undefined) !== (flags.all === true))
        throw new BadParams(
          `log needs a version or --all: for example "${RETRAIN} log 2" or "${RETRAIN} log --all"`,
        );
      const config = await context.configure(flags.pipeline);
      const { pipeline } = config;
      process.exitCode = await log(config, { pipeline, version, json: flags.json });
    });
}

/**
 * `log N`, `log --all`: logs versions to the tracking server in use now, in order, with one workflow each. It
 * changes nothing that is logged there already, so it can be repeated.
 */
export async function log(
  config: Config,
  asked: { pipeline: string; version: number | undefined; json?: boolean | undefined },
): Promise<number> {
  const { pipeline, version, json } = asked;
  const { warnWithoutWorker } = await import('../waiting.ts');
  return withSession(config, ['temporal', 'storage'], async (session) => {
    await session.tracker.check();
    await warnWithoutWorker(session);
    const builds =
      version === undefined ? await listBuilds(session.store, pipeline) : [{ version }];
    const logged: (LoggedVersion & { url: string })[] = [];
    for (const one of builds) {
      const done = await logOne(session, pipeline, one);
      const url = session.tracker.makeRunUrl(done.mlflow.experimentId, done.mlflow.runId);
      logged.push({ ...done, url });
      if (json !== true)
        print(
          `version ${done.version}, build ${done.seq}: ${done.added ? 'logged' : 'was logged already'}\n  ${formatLink(url, `version ${done.version}`, 2)}`,
        );
    }
    if (json === true) printJson({ pipeline, trackingUri: session.tracker.uri, versions: logged });
    return 0;
  });
}

/** A build; without a number, the published one of its version. */
type Logged = Pick<LogVersionInput, 'version' | 'seq'>;

/** Every version, and the champion where it is not the published build of its version: its alias needs its model. */
async function listBuilds(store: Store, pipeline: string): Promise<Logged[]> {
  const versions = (await listVersions(store, pipeline)).map((version) => ({ version }));
  const { champion = null } = (await store.champions.read(pipeline)) ?? {};
  if (champion === null) return versions;
  const published = await store.records.latest(pipeline, champion.version);
  return isSameBuild(published, champion) ? versions : [...versions, champion];
}

/** Starts the workflow that logs a version, or follows the running one. */
async function logOne(
  session: Session,
  pipeline: string,
  { version, seq }: Logged,
): Promise<LoggedVersion> {
  const place = session.tracker.place();
  const input: LogVersionInput = {
    pipeline,
    version,
    ...(seq === undefined ? {} : { seq }),
    ...(isDirectoryUri(place) ? { trackingFolder: place } : {}),
  };
  return session.client.workflow.execute<typeof logVersion>('logVersion', {
    workflowId: `${pipeline}-log-${seq === undefined ? version : nameBuild({ version, seq })}`,
    workflowIdConflictPolicy: 'USE_EXISTING',
    taskQueue: session.config.taskQueue,
    args: [input],
    staticSummary: `${pipeline} · log version ${version}`,
  });
}
