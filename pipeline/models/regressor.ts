import type { Learner, Scored } from './learner.ts';
import { NUMBER_METRICS } from '../../contract/metric-sets.ts';
import { scoreNumbers, type NumberScore } from '../scoring/number-metrics.ts';
import { predictRegression } from './predict.ts';
import { numberSections } from '../scoring/report/number-sections.ts';
import { fitRegressionTogether } from './tree.ts';

/** Learns to predict numbers. */
export const regressor: Learner = {
  metrics: NUMBER_METRICS,
  tree: 'DTRegression',
  fit: (matrix, _encoder, params, crew, report) =>
    fitRegressionTogether(matrix, matrix.targets!, params, crew, report),
  score: (model, matrix) => {
    const found = scoreNumbers(matrix.targets!, predictRegression(model, matrix));
    return found === null ? null : scoredNumbers(found);
  },
};

/** Scores of numbers as every stage, page and file takes them. */
export function scoredNumbers(found: NumberScore): Scored {
  const { rows, agreement, ...numbers } = found;
  return { rows, numbers, details: { agreement }, sections: () => numberSections(found) };
}
