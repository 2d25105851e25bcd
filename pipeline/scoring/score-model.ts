import type { Encoder } from '../features/encoder.ts';
import type { Matrix } from '../features/matrix.ts';
import type { Model } from '../models/estimator.ts';
import { type ClassScores, scoreClasses } from './class-scores.ts';
import { type NumberScores, scoreNumbers } from './number-scores.ts';
import { boundClassScores, boundR2 } from './score-intervals.ts';

/** The scores of a model on some rows. */
export interface Scored {
  readonly rows: number;
  /** The metrics of its metric set and their intervals, by name. */
  readonly numbers: Readonly<Record<string, number>>;
  /** What the metrics file holds besides the numbers, by name. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The mean probability of the predicted classes; null for numbers. */
  readonly confidence: number | null;
}

/** Scores a model on encoded test rows; null when there are no rows, because no score is defined then. */
export function scoreModel(model: Model, matrix: Matrix, { classes = [] }: Encoder): Scored | null {
  const predicted = model.predict(matrix);
  if ('numbers' in predicted) {
    const found = scoreNumbers(matrix.targets!, predicted.numbers);
    return found && toScoredNumbers(found, boundR2(matrix.targets!, predicted.numbers));
  }
  const labels = Array.from(predicted.classes, (index) => classes[index]!);
  const found = scoreClasses(matrix.labels, labels, classes);
  return found && toScoredClasses(found, predicted.probabilities);
}

/** Converts scores of classes to the common form that stages, pages and files read. */
function toScoredClasses(found: ClassScores, probabilities: Float64Array): Scored {
  const { rows, per_class, confusion_matrix, ...numbers } = found;
  const classes = per_class.map(({ label, ...scores }) => [label, scores]);
  return {
    rows,
    numbers: { ...numbers, ...boundClassScores(found) },
    details: { classes: Object.fromEntries(classes), confusion_matrix },
    confidence: probabilities.reduce((sum, value) => sum + value, 0) / probabilities.length,
  };
}

/** Converts scores of numbers to the common form. */
function toScoredNumbers(found: NumberScores, bounds: Record<string, number>): Scored {
  const { rows, agreement, ...numbers } = found;
  return { rows, numbers: { ...numbers, ...bounds }, details: { agreement }, confidence: null };
}
