import { byCodePoint } from '../../contract/codepoints.ts';
import { Z } from './t-quantile.ts';

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
export interface Score {
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
 * Scores predictions, with scikit-learn's definitions. The labels scored are the model's classes and
 * any other that occurs: a class only these rows have counts against the model.
 * @param classes what the model can predict
 * @returns null when there are no rows, for then no score means anything
 */
export function score(
  actual: readonly string[],
  predicted: readonly string[],
  classes: readonly string[],
): Score | null {
  const rows = actual.length;
  if (rows !== predicted.length) {
    throw new RangeError(`${predicted.length} predictions for ${rows} rows`);
  }
  if (rows === 0) return null;
  const labels = [...new Set([...classes, ...actual, ...predicted])].sort(byCodePoint);
  const matrix = confusion(actual, predicted, labels);
  const all = labels.map((label, i) => scoreClass(label, i, matrix));
  const occurring = all.filter(({ support }, i) => support > 0 || columnSum(matrix, i) > 0);
  const correct = sum(labels.map((_, i) => matrix[i]![i]!));
  const [low, high] = wilson(correct, rows);
  return {
    rows,
    accuracy: correct / rows,
    accuracy_low: low,
    accuracy_high: high,
    balanced_accuracy: mean(all.filter(({ support }) => support > 0).map(({ recall }) => recall)),
    precision_macro: mean(occurring.map(({ precision }) => precision)),
    recall_macro: mean(occurring.map(({ recall }) => recall)),
    f1_macro: mean(occurring.map(({ f1 }) => f1)),
    per_class: all,
    confusion_matrix: { labels, matrix },
  };
}

/**
 * Wilson's 95 % score interval of a share: unlike the usual plus or minus it stays within 0..1 and is
 * wide where rows are few (29 of 30 gives 0.83 to 0.99).
 * @param rows at least 1
 */
export function wilson(correct: number, rows: number): [low: number, high: number] {
  const share = correct / rows;
  const scale = 1 + Z ** 2 / rows;
  const middle = (share + Z ** 2 / (2 * rows)) / scale;
  const reach = (Z / scale) * Math.sqrt((share * (1 - share)) / rows + Z ** 2 / (4 * rows ** 2));
  // At the ends rounding would leave the limit a hair off the exact 0 or 1.
  return [
    correct === 0 ? 0 : Math.max(0, middle - reach),
    correct === rows ? 1 : Math.min(1, middle + reach),
  ];
}

function confusion(
  actual: readonly string[],
  predicted: readonly string[],
  labels: readonly string[],
): number[][] {
  const indexOf = new Map(labels.map((label, index) => [label, index]));
  const matrix = labels.map(() => labels.map(() => 0));
  actual.forEach((label, row) => {
    matrix[indexOf.get(label)!]![indexOf.get(predicted[row]!)!]! += 1;
  });
  return matrix;
}

function scoreClass(label: string, index: number, matrix: readonly number[][]): ClassScore {
  const hits = matrix[index]![index]!;
  const support = sum(matrix[index]!);
  const claimed = columnSum(matrix, index);
  return {
    label,
    precision: ratio(hits, claimed),
    recall: ratio(hits, support),
    f1: ratio(2 * hits, claimed + support),
    support,
  };
}

function columnSum(matrix: readonly number[][], column: number): number {
  return sum(matrix.map((row) => row[column]!));
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
