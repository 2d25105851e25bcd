import type { Command } from 'commander';
import { formatNumber, formatTable } from '../format.ts';
import { print, printJson, say } from '../print.ts';
import { withStoreSession, type StoreSession } from '../session.ts';
import { noVersionYet, listStale, describeStale } from '../versions.ts';
import type { Config } from '../../config/environment.ts';
import { findHeadline, findMetricSet } from '../../contract/metric-sets.ts';
import type { Stale } from '../../store/ledger/read.ts';
import type { VersionLine } from '../../store/version-index.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../context.ts';

export function listCommand(context: CommandContext): Command {
  return pipelineCommand('list')
    .addHelpText('after', examples('list', 'list --pipeline wine --json'))
    .action(async ({ pipeline, json }: CommonFlags) => {
      process.exitCode = await list(await context.configure(pipeline), {
        only: pipeline !== undefined,
        json,
      });
    });
}

/** The versions of one pipeline, as `--json` prints them. */
interface Listed {
  pipeline: string;
  versions: VersionLine[];
  stale: Stale[];
}

/**
 * `list`: the versions with their scores, of the pipeline that was named or, if none was, of every pipeline
 * in params.yaml or in the bucket.
 */
export async function list(
  config: Config,
  { only, json }: { only: boolean; json?: boolean | undefined },
): Promise<number> {
  return withStoreSession(config, async (session) => {
    const [first, ...others] = await Promise.all(
      (only ? [config.pipeline] : await everyPipeline(session)).map((name) =>
        readListed(session, name),
      ),
    );
    if (json === true) printJson(only ? first : { ...first, others });
    else for (const one of [first!, ...others]) printVersions(one, others.length > 0);
    return 0;
  });
}

/** The default pipeline first, then those of params.yaml, then the others in the bucket. */
async function everyPipeline({ config, store }: StoreSession): Promise<string[]> {
  const { pipelinesIn } = await import('../../store/index.ts');
  const stored = await pipelinesIn(store.bucket);
  return [...new Set([config.pipeline, ...(config.pipelines ?? []), ...stored])];
}

async function readListed({ store }: StoreSession, pipeline: string): Promise<Listed> {
  const [versions, stale] = await Promise.all([
    store.records.list(pipeline),
    listStale(store, pipeline),
  ]);
  return { pipeline, versions, stale };
}

function printVersions({ pipeline, versions, stale }: Listed, titled: boolean): void {
  if (versions.length === 0) {
    say(noVersionYet(pipeline).message);
    return;
  }
  print(`${titled ? `${pipeline}\n` : ''}${formatVersions(versions)}`);
  for (const one of stale) say(describeStale(one), 'warning');
}

function isScored({ metrics }: VersionLine): boolean {
  return findHeadline(metrics) !== undefined;
}

function formatVersions(versions: readonly VersionLine[]): string {
  const { headline, listed: columns } = findMetricSet(versions.findLast(isScored)?.metrics ?? {});
  const headings = columns.map(({ heading }) => heading);
  return formatTable(
    ['version', 'build', ...headings, 'new batch', 'train', 'test', 'model', 'made'],
    versions.map(({ version, seq, metrics, rows, run_id, model_version, created_at }) => [
      version,
      seq,
      ...columns.map(({ name }) => formatNumber(metrics[name])),
      formatNumber(metrics[`new_batch_${headline}`]),
      rows,
      metrics['test_rows'] ?? 0,
      run_id === null ? 'not logged' : model_version === null ? '–' : `v${model_version}`,
      created_at.replace('T', ' ').slice(0, 16),
    ]),
  );
}
