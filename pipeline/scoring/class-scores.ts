import { byCodePoint } from '../../contract/codepoints.ts';
import { countCells, fillMatrix, sumCells } from './confusion.ts';
import { wilsonInterval } from './intervals.ts';

/** Scores of one class. A score whose denominator is zero is 0. */
interface ClassScore {
  readonly label: string;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Rows that are of this class. */
  readonly support: number;
}

/** Scores of a model on some rows; every number is a share from 0 to 1 except `rows` and counts of rows. */
export interface ClassScores {
  readonly rows: number;
  readonly accuracy: number;
  /** Wilson's 95 % interval around the accuracy. */
  readonly accuracy_low: number;
  readonly accuracy_high: number;
  /** Mean recall over the classes that occur among the rows. */
  readonly balanced_accuracy: number;
  /** Means over the classes that occur among the rows or the predictions. */
  readonly precision_macro: number;
  readonly recall_macro: number;
  readonly f1_macro: number;
  readonly per_class: readonly ClassScore[];
  /** `matrix[i][j]` counts the rows of class `labels[i]` predicted as `labels[j]`. */
  readonly confusion_matrix: {
    readonly labels: readonly string[];
    readonly matrix: readonly (readonly number[])[];
  };
}

/**
 * Scores predictions with scikit-learn's definitions. The scored labels are the classes of the model and every other
 * label that occurs. A class that only these rows have lowers the scores.
 * @param classes what the model can predict
 * @returns null when there are no rows, because no score is defined then
 */
export function scoreClasses(
  actual: readonly string[],
  predicted: readonly string[],
  classes: readonly string[],
): ClassScores | null {
  const rows = actual.length;
  if (rows !== predicted.length) {
    throw new RangeError(`${predicted.length} predictions for ${rows} rows`);
  }
  if (rows === 0) return null;
  const labels = [...new Set([...classes, ...actual, ...predicted])].sort(byCodePoint);
  const indexes = new Map(labels.map((label, index) => [label, index]));
  const indexOf = (label: string): number => indexes.get(label)!;
  const cells = countCells(actual.map(indexOf), predicted.map(indexOf));
  const support = sumCells(cells, 'actual', labels.length);
  const claimed = sumCells(cells, 'predicted', labels.length);
  const hits = sumCells(cells.filter('d => d.actual === d.predicted'), 'actual', labels.length);
  const all = labels.map((label, i) => ({
    label,
    precision: ratio(hits[i]!, claimed[i]!),
    recall: ratio(hits[i]!, support[i]!),
    f1: ratio(2 * hits[i]!, claimed[i]! + support[i]!),
    support: support[i]!,
  }));
  const occurring = all.filter((_, i) => support[i]! > 0 || claimed[i]! > 0);
  const correct = sum(hits);
  const [low, high] = wilsonInterval(correct, rows);
  return {
    rows,
    accuracy: correct / rows,
    accuracy_low: low,
    accuracy_high: high,
    balanced_accuracy: mean(all.filter((_, i) => support[i]! > 0).map(({ recall }) => recall)),
    precision_macro: mean(occurring.map(({ precision }) => precision)),
    recall_macro: mean(occurring.map(({ recall }) => recall)),
    f1_macro: mean(occurring.map(({ f1 }) => f1)),
    per_class: all,
    confusion_matrix: { labels, matrix: fillMatrix(cells, labels.length) },
  };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function mean(values: readonly number[]): number {
  return ratio(sum(values), values.length);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
