import { readMetrics } from '../store/metrics-file.ts';
import type { Config } from '../config/environment.ts';
import type { VersionRecord } from '../store/version-record.ts';
import type { Ref } from '../contract/ref.ts';
import { comparing, type DiffRequest } from './commands/diff/diff.ts';
import { dvcTable, metricsDiff, paramsDiff, type DvcDiff } from './diff/dvc-shape.ts';
import { print, printJson } from './print.ts';

/** `metrics diff A B`, in the shape of `dvc metrics diff`. */
export async function diffMetrics(config: Config, request: DiffRequest): Promise<number> {
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

/** `params diff A B`, in the shape of `dvc params diff`. */
export async function diffParams(config: Config, request: DiffRequest): Promise<number> {
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
