import { Command } from 'commander';
import { type CommandContext, examples } from '../../context.ts';
import { print, printJson } from '../../print.ts';
import type { Config } from '../../../config/environment.ts';
import type { Ref } from '../../../contract/ref.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import { type DiffRequest, comparing, comparison } from './diff.ts';
import { type DvcDiff, dvcTable, metricsDiff, paramsDiff } from './dvc-shape.ts';

export function metricsCommand(context: CommandContext): Command {
  const diff = comparison(context, {
    description: 'show the metrics that differ between two versions, as "dvc metrics diff" does',
    compare: diffMetrics,
    examples: ['metrics diff 1 2', 'metrics diff 2.1 2.2 --json'],
  });
  return new Command('metrics').addHelpText('after', examples('metrics diff 1 2')).addCommand(diff);
}

export function paramsCommand(context: CommandContext): Command {
  const diff = comparison(context, {
    description: 'show the params that differ between two versions, as "dvc params diff" does',
    compare: diffParams,
    examples: ['params diff 1 2', 'params diff 2.1 2.2 --json'],
  });
  return new Command('params').addHelpText('after', examples('params diff 1 2')).addCommand(diff);
}

/** `metrics diff A B`: prints what `dvc metrics diff` prints. */
async function diffMetrics(config: Config, request: DiffRequest): Promise<number> {
  const { readMetrics } = await import('../../../store/metrics-file.ts');
  return comparing(config, request, async ({ store: { artifacts } }, old, now) => {
    const [before, after] = [metricsRef(old), metricsRef(now)];
    const metrics = async (ref: Ref): Promise<unknown> => readMetrics(await artifacts.get(ref));
    const diff = metricsDiff(await metrics(before), {
      path: after.path,
      metrics: await metrics(after),
    });
    printDiff(diff, 'Metric', request);
  });
}

/** `params diff A B`: prints what `dvc params diff` prints. */
async function diffParams(config: Config, request: DiffRequest): Promise<number> {
  return comparing(config, request, async (_session, old, now) => {
    printDiff(paramsDiff(old.params, now.params), 'Param', request);
  });
}

function metricsRef({ stages }: VersionRecord): Ref {
  return stages.find(({ stage }) => stage === 'evaluate')!.outputs['metrics']!;
}

function printDiff(diff: DvcDiff, title: 'Metric' | 'Param', request: DiffRequest): void {
  const text = dvcTable(diff, { title, revisions: [request.old.text, request.new.text] });
  if (request.json === true) printJson(diff);
  else if (text !== '') print(text);
}
