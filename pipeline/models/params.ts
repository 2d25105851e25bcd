import { z } from 'zod';
import {
  mergeParams,
  modelShape,
  paramsShape,
  parseParams,
  showValue,
  type Params,
} from '../../contract/params.ts';
import { taskOf, type Task } from '../../contract/defaults.ts';
import { BadParams } from '../../contract/failures.ts';
import { metricSetOf } from '../../contract/metric-sets.ts';
import { checkSource } from '../../contract/source-url.ts';
import { describeExpected } from '../../contract/wrong-value.ts';
import { findEstimator, typeNames } from './estimators.ts';

/** The model section, with the hyperparameters that its type has, each with its default. */
const modelSchema = modelShape.transform(({ task, type, ...own }, context) => {
  const estimator = findEstimator(type);
  if (estimator === undefined) {
    const message = `expected ${typeNames()}`;
    context.issues.push({ code: 'custom', path: ['type'], input: type, message });
    return z.NEVER;
  }
  const parsed = estimator.params(task).safeParse(own, { error: describeExpected });
  if (parsed.success) return { task, type, ...(parsed.data as object) };
  // Each issue has its path and its message. zod adds the input.
  context.issues.push(...parsed.error.issues.map((issue) => ({ ...issue, input: own }) as never));
  return z.NEVER;
});

/** The params of a run: what {@link paramsShape} says, and the hyperparameters of its type of model. */
export const paramsSchema: z.ZodType<Params> = paramsShape.extend({
  model: modelSchema.prefault({}),
});

/**
 * Returns the params of a run: the requested ones over those of params.yaml.
 * @param what names the params in a message
 * @throws BadParams for params that no run can have, or that may hold a secret
 */
export function paramsOf(base: unknown, asked: unknown, what = 'params'): Params {
  const params = parseParams(paramsSchema, mergeParams(base, asked), what);
  checkSource(params.data);
  checkMetric(params, [taskOf(params)], what);
  return params;
}

/**
 * Checks the score of the gate. The task says which scores there are, so the schema of a section cannot check it.
 * @param tasks those that the run may have
 * @throws BadParams when it is a score of none of them
 */
export function checkMetric(
  { gate: { metric } }: Params,
  tasks: readonly Task[],
  what: string,
): void {
  if (metric === null || tasks.some((task) => metricSetOf(task).shown.includes(metric))) return;
  const scores = tasks.map((task) => `${metricSetOf(task).shown.join(', ')} for ${task}`);
  throw BadParams.ofValues([
    {
      found: `${what}: gate.metric ${showValue(JSON.stringify(metric))}`,
      expected: `expected one of ${scores.join(', or ')}, or null`,
    },
  ]);
}
