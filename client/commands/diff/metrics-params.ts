import { Command } from 'commander';
import { type CommandContext, examples } from '../../context.ts';
import { print, printJson } from '../../print.ts';
import type { Config } from '../../../config/environment.ts';
import type { Ref } from '../../../contract/ref.ts';
import { outputOf, requireKept } from '../../../store/record-check.ts';
import { type DiffRequest, withBuilds, makeComparison } from './diff.ts';
import { type DvcDiff, formatDvcTable, compareMetrics, compareParams } from './dvc-shape.ts';

export function metricsCommand(context: CommandContext): Command {
  const diff = makeComparison(context, {
    description: 'show the metrics that differ between two versions, as "dvc metrics diff" does',
    compare: diffMetrics,
    examples: ['metrics diff 1 2', 'metrics diff 2.1 2.2 --json'],
  });
  return new Command('metrics').addHelpText('after', examples('metrics diff 1 2')).addCommand(diff);
}

export function paramsCommand(context: CommandContext): Command {
  const diff = makeComparison(context, {
    description: 'show the params that differ between two versions, as "dvc params diff" does',
    compare: diffParams,
    examples: ['params diff 1 2', 'params diff 2.1 2.2 --json'],
  });
  return new Command('params').addHelpText('after', examples('params diff 1 2')).addCommand(diff);
}

/** `metrics diff A B`: prints what `dvc metrics diff` prints. */
async function diffMetrics(config: Config, request: DiffRequest): Promise<number> {
  const { readMetrics } = await import('../../../store/metrics-file.ts');
  return withBuilds(config, request, async ({ store: { artifacts, records } }, old, now) => {
    await Promise.all([old, now].map((build) => requireKept(records, build)));
    const [before, after] = [
      outputOf(old, 'evaluate', 'metrics'),
      outputOf(now, 'evaluate', 'metrics'),
    ];
    const metrics = async (ref: Ref): Promise<unknown> =>
      readMetrics(await artifacts.get(ref), ref);
    const diff = compareMetrics(await metrics(before), {
      path: after.path,
      metrics: await metrics(after),
    });
    printDiff(diff, 'Metric', request);
  });
}

/** `params diff A B`: prints what `dvc params diff` prints. */
async function diffParams(config: Config, request: DiffRequest): Promise<number> {
  return withBuilds(config, request, async (_session, old, now) => {
    printDiff(compareParams(old.params, now.params), 'Param', request);
  });
}

function printDiff(diff: DvcDiff, title: 'Metric' | 'Param', request: DiffRequest): void {
  const text = formatDvcTable(diff, { title, revisions: [request.old.text, request.new.text] });
  if (request.json === true) printJson(diff);
  else if (text !== '') print(text);
}
