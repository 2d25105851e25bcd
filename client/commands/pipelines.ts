import { Command } from 'commander';
import { type BuildDocument, nameBuildDocument, toChampionDocument } from '../champion.ts';
import { formatTable } from '../format.ts';
import { print, printJson } from '../print.ts';
import { withStoreSession, type StoreSession } from '../session.ts';
import { listEveryPipeline } from '../versions.ts';
import type { Config } from '../../config/environment.ts';
import { findHeadline, formatScore, type NamedScore } from '../../contract/metric-sets.ts';
import { type CommandContext, examples } from '../context.ts';

export function pipelinesCommand(context: CommandContext): Command {
  return new Command('pipelines')
    .option('--json', 'print exactly one JSON document on stdout')
    .addHelpText('after', examples('pipelines', 'pipelines --json'))
    .action(async ({ json }: { json?: boolean }) => {
      process.exitCode = await listPipelines(await context.configure(), context, json === true);
    });
}

/** A pipeline, as `--json` prints it. */
interface ListedPipeline {
  pipeline: string;
  /** Whether params.yaml lists it. Without `pipelines` in the file, that is the default pipeline only. */
  listed: boolean;
  isDefault: boolean;
  /** The source of its data; before the first batch, the one in its params. */
  source: string;
  target: string;
  task: string;
  batches: number;
  versions: number;
  /** Null before the first promotion. */
  champion: BuildDocument | null;
  /** The headline score of its last version. */
  score: NamedScore | null;
  experiment: string;
}

/** `pipelines`: lists what each pipeline predicts, from which data, and how many batches and versions it has. */
async function listPipelines(
  config: Config,
  context: CommandContext,
  json: boolean,
): Promise<number> {
  return withStoreSession(config, async (session) => {
    const names = await listEveryPipeline(session);
    const pipelines = await Promise.all(names.map((name) => readPipeline(session, context, name)));
    if (json) printJson({ pipelines });
    else
      print(
        formatTable(
          [
            'pipeline',
            'source',
            { name: 'target', leaveOut: 2 },
            'batches',
            'versions',
            'champion',
            'last score',
            { name: 'experiment', leaveOut: 1 },
          ],
          pipelines.map(({ champion, score, ...one }) => [
            one.pipeline,
            one.source,
            one.target,
            one.batches,
            one.versions,
            champion === null ? '–' : nameBuildDocument(champion),
            score === null ? '–' : `${score.name} ${formatScore(score.value)}`,
            one.experiment,
          ]),
        ),
      );
    return 0;
  });
}

async function readPipeline(
  { config, store }: StoreSession,
  context: CommandContext,
  pipeline: string,
): Promise<ListedPipeline> {
  const { makeRunParams } = await import('../../sources/frozen.ts');
  const [own, ledger, versions, history] = await Promise.all([
    context.configure(pipeline),
    store.ledgers.read(pipeline),
    store.records.list(pipeline),
    store.champions.read(pipeline),
  ]);
  const { data, model } = makeRunParams(own, ledger, {});
  return {
    pipeline,
    listed:
      own.unlisted === undefined && (config.pipelines ?? [config.pipeline]).includes(pipeline),
    isDefault: pipeline === config.defaultPipeline,
    source: data.source,
    target: data.target,
    task: model.task,
    batches: ledger?.batches.length ?? 0,
    versions: versions.length,
    champion: toChampionDocument(history),
    score: findHeadline(versions.at(-1)?.metrics ?? {}) ?? null,
    experiment: own.tracking.experimentName,
  };
}
