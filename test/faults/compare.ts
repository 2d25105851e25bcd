import { isDeepStrictEqual } from 'node:util';
import type { Left } from './left.ts';

/** What a disturbed run left otherwise than an undisturbed one. */
export interface Findings {
  wrong: string[];
  duplicates: string[];
}

export function compareLeft(calm: Left, left: Left): Findings {
  const wrong = [...left.problems];
  const duplicates: string[] = [];
  if (!isDeepStrictEqual(left.outputs, calm.outputs))
    for (const [stage, outputs] of Object.entries(calm.outputs))
      if (!isDeepStrictEqual(left.outputs[stage], outputs)) wrong.push(`${stage} made other bytes`);
  if (!isDeepStrictEqual(left.metrics, calm.metrics)) wrong.push('the metrics differ');
  if (!isDeepStrictEqual(left.promotions, calm.promotions))
    wrong.push(`of the champion: ${left.promotions.join(', ')}, not ${calm.promotions.join(', ')}`);
  if (!left.isAliased) wrong.push('the alias does not point at the champion');
  const { runs, pipelineRuns, points, models, versions } = left.mlflow;
  if (left.builds > 1) duplicates.push(`${left.builds} version records`);
  if (runs.length > 1) duplicates.push(`${runs.length} MLflow runs`);
  if (pipelineRuns.length > 1) duplicates.push(`${pipelineRuns.length} runs of the pipeline`);
  if (models > 1) duplicates.push(`${models} logged models`);
  if (versions > 1) duplicates.push(`${versions} model versions`);
  for (const [name, count] of Object.entries(points)) {
    const expected = calm.mlflow.points[name] ?? 0;
    if (count > expected) duplicates.push(`${count} points of ${name}, not ${expected}`);
  }
  for (const [name, count] of Object.entries(calm.mlflow.points))
    if ((points[name] ?? 0) < count) wrong.push(`${points[name] ?? 0} points of ${name}`);
  if (left.builds === 0 || runs.length === 0 || models === 0 || versions === 0)
    wrong.push(
      `${left.builds} records, ${runs.length} runs, ${models} models, ${versions} model versions`,
    );
  if (pipelineRuns.length === 0) wrong.push('no run of the pipeline');
  const states = [...runs, ...pipelineRuns];
  if (states.some((status) => status !== 'FINISHED'))
    wrong.push(`MLflow runs are ${states.join(', ')}`);
  return { wrong, duplicates };
}
