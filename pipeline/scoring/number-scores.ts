import { op, table } from 'arquero';
import { checkTargets } from '../models/train-rows.ts';
import { studentInterval } from './intervals.ts';
import { countCells, fillMatrix } from './confusion.ts';

/** Bins on each side of the matrix of actual and predicted numbers. */
const BINS = 20;

/** Counts of rows by actual and predicted number, with the same bins on both sides. */
export interface Agreement {
  /** Bounds of the bins, ascending, one more than there are bins; the last bin includes its upper bound. */
  readonly edges: readonly number[];
  /** `matrix[i][j]` counts the rows whose number is in bin i and whose prediction is in bin j. */
  readonly matrix: readonly (readonly number[])[];
}

/** Scores of predicted numbers, in the unit of the target except `r2`. Intervals are 95 %; a single row has none. */
export interface NumberScores {
  readonly rows: number;
  /** The root of the mean squared error. */
  readonly rmse: number;
  readonly rmse_low?: number;
  readonly rmse_high?: number;
  /** The mean absolute error. */
  readonly mae: number;
  readonly mae_low?: number;
  readonly mae_high?: number;
  /**
   * The share of the variance that the model explains; below 0 for a model worse than the mean. If all actual numbers
   * are equal, it is 1 when every prediction is exact and 0 otherwise. A single row has none.
   */
  readonly r2?: number;
  readonly agreement: Agreement;
}

/**
 * Scores predicted numbers with scikit-learn's definitions. The intervals are Student's intervals of the mean absolute
 * error and of the mean squared error; the limits of the latter are then square-rooted. They are wide for few rows and
 * never below 0.
 * @returns null when there are no rows, because no score is defined then
 * @throws BadData when a number is not finite, or too large to be squared
 */
export function scoreNumbers(actual: Float64Array, predicted: Float64Array): NumberScores | null {
  const rows = actual.length;
  if (rows !== predicted.length) {
    throw new RangeError(`${predicted.length} predictions for ${rows} rows`);
  }
  if (rows === 0) return null;
  checkTargets(actual, 'test');
  const errors = actual.map((value, row) => Math.abs(value - predicted[row]!));
  // Errors are divided by the largest, so that their squares and fourth powers do not overflow a float64.
  const largest = errors.reduce((a, b) => Math.max(a, b), 0);
  const scale = largest === 0 ? 1 : largest;
  const share = errors.map((error) => error / scale);
  const { mae, maeDeviation, mse, mseDeviation, variance } = table({ actual, share })
    .derive({ square: 'd => d.share * d.share' })
    .rollup({
      mae: op.mean('share'),
      maeDeviation: op.stdev('share'),
      mse: op.mean('square'),
      mseDeviation: op.stdev('square'),
      variance: op.variancep('actual'),
    })
    .object() as Record<'mae' | 'maeDeviation' | 'mse' | 'mseDeviation' | 'variance', number>;
  const rmse = scale * Math.sqrt(mse);
  const agreement = countAgreement(actual, predicted);
  if (rows === 1) return { rows, rmse, mae: scale * mae, agreement };
  const [mseLow, mseHigh] = studentInterval(mse, mseDeviation, rows);
  const [maeLow, maeHigh] = studentInterval(mae, maeDeviation, rows);
  // A variance of 0 is no test for this: the mean of equal numbers may be rounded and differ from them.
  const isConstant = actual.every((value) => value === actual[0]);
  return {
    rows,
    rmse,
    rmse_low: scale * Math.sqrt(mseLow),
    rmse_high: scale * Math.sqrt(mseHigh),
    mae: scale * mae,
    mae_low: scale * maeLow,
    mae_high: scale * maeHigh,
    r2: isConstant ? Number(mse === 0) : 1 - (rmse * rmse) / variance,
    agreement,
  };
}

function countAgreement(actual: Float64Array, predicted: Float64Array): Agreement {
  let [low, high] = [Infinity, -Infinity];
  for (const values of [actual, predicted]) {
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  const bins = low === high ? 1 : BINS;
  const binOf = (value: number): number =>
    bins === 1 ? 0 : Math.min(bins - 1, Math.floor((bins * (value - low)) / (high - low)));
  const cells = countCells(actual.map(binOf), predicted.map(binOf));
  const edges = Array.from({ length: bins + 1 }, (_, i) => low + ((high - low) * i) / bins);
  return { edges, matrix: fillMatrix(cells, bins) };
}
