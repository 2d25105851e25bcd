import type { Learner, Scored } from './learner.ts';
import { CLASS_METRICS } from '../../contract/metric-sets.ts';
import { score, type Score } from '../scoring/metrics.ts';
import { predictLabels } from './predict.ts';
import { classSections } from '../scoring/report/class-sections.ts';
import { fitTreeTogether } from './tree.ts';

/** Learns to tell classes. */
export const classifier: Learner = {
  metrics: CLASS_METRICS,
  tree: 'DTClassifier',
  fit: (matrix, { classes = [] }, params, crew, report) =>
    fitTreeTogether(matrix, classes, params, crew, report),
  score: (model, matrix, { classes = [] }) => {
    const found = score(matrix.labels, predictLabels(model, matrix, classes), classes);
    return found === null ? null : scoredClasses(found);
  },
};

/** Scores of classes as every stage, page and file takes them. */
export function scoredClasses(found: Score): Scored {
  const { rows, per_class, confusion_matrix, ...numbers } = found;
  const classes = per_class.map(({ label, ...scores }) => [label, scores]);
  return {
    rows,
    numbers,
    details: { classes: Object.fromEntries(classes), confusion_matrix },
    sections: () => classSections(found),
  };
}
