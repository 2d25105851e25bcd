import type { Encoder } from '../features/encoder.ts';
import type { Matrix } from '../features/matrix.ts';
import type { Model } from '../models/estimator.ts';
import { type ClassScores, scoreClasses } from './class-scores.ts';
import { type NumberScores, scoreNumbers } from './number-scores.ts';
import { classSections, numberSections, probabilityLine } from './report-sections.ts';

/** How a model did on some rows. */
export interface Scored {
  readonly rows: number;
  /** By the names of its metric set, with intervals. */
  readonly numbers: Readonly<Record<string, number>>;
  /** What the metrics file has beside the numbers, by name. */
  readonly details: Readonly<Record<string, unknown>>;
  /** What a report shows beside the numbers, as HTML. */
  readonly sections: () => string[];
}

/** Scores a model on encoded test rows; null when there are none, because then no score means anything. */
export function scoreModel(model: Model, matrix: Matrix, { classes = [] }: Encoder): Scored | null {
  const predicted = model.predict(matrix);
  if ('numbers' in predicted) {
    const found = scoreNumbers(matrix.targets!, predicted.numbers);
    return found && scoredNumbers(found);
  }
  const labels = Array.from(predicted.classes, (index) => classes[index]!);
  const found = scoreClasses(matrix.labels, labels, classes);
  return found && scoredClasses(found, predicted.probabilities);
}

/** Scores of classes in the form that every stage, page and file takes. */
export function scoredClasses(found: ClassScores, probabilities: Float64Array): Scored {
  const { rows, per_class, confusion_matrix, ...numbers } = found;
  const classes = per_class.map(({ label, ...scores }) => [label, scores]);
  return {
    rows,
    numbers,
    details: { classes: Object.fromEntries(classes), confusion_matrix },
    sections: () => [...classSections(found), probabilityLine(probabilities)],
  };
}

/** Scores of numbers in the same form. */
function scoredNumbers(found: NumberScores): Scored {
  const { rows, agreement, ...numbers } = found;
  return { rows, numbers, details: { agreement }, sections: () => numberSections(found) };
}
