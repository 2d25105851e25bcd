import type { SplitRule } from '../../contract/defaults.ts';
import { metricSetOf } from '../../contract/metric-sets.ts';
import type { Files } from '../batches/files.ts';
import { type Encoder, taskOfEncoder } from '../features/encoder.ts';
import { openModel, type StoredModel } from '../models/estimators.ts';
import type { Report } from '../progress.ts';
import { scoreClasses } from './class-scores.ts';
import { countDiscordant } from './gate/mcnemar.ts';
import { hasOddMajority, computeDifferenceInterval } from './intervals.ts';
import { countFlags, leaveOutOfBoth, leaveOutOfOther, type TrainedByEither } from './leakage.ts';
import { scoreNumbers } from './number-scores.ts';
import {
  type ClassPairs,
  type NumberPairs,
  pairRows,
  type Pairs,
  pairWithItself,
} from './pairs.ts';
import { boundClassScores, boundR2 } from './score-intervals.ts';

/** Whether a score of a model differs from that of another by more than chance does. */
type Verdict = 'better' | 'worse' | 'within noise';

/**
 * The scores of the other model by name, with their intervals as `<name>_low` and `<name>_high`. `rows` is the number of
 * rows, `left_out` the number of rows that are left out because the other model was trained on them, and
 * `<name>_change` what a test says of how our model differs. `own_<name>` are the scores of our model on the same rows.
 *
 * Names that begin with `new_batch_` are of the test rows of the new batch alone. Those that begin with `prequential_` are
 * of all rows of the new batch, on both sides of the split: only a model that was trained on earlier batches has them.
 */
export type ComparisonFacts = { rows: number } & Record<string, number | string>;

/**
 * Scores another model on the test rows of ours: on all of them, on those of the new batch and, if it was trained on
 * earlier batches alone, on all rows of the new batch. No model is scored on a row that it was trained on. The accuracy is
 * compared by McNemar's exact test, errors of numbers by Student's interval of the paired differences, both at 95 %.
 * @param input.parts Arrow files of test rows, one per batch, the new one last
 * @param input.newTrain the train rows of the new batch; null if the other model was trained on them
 * @param input.trained of the rows of `parts`, and then of `newTrain`
 * @throws BadData when the other model cannot read the rows
 */
export function compareModels(
  input: {
    ours: StoredModel;
    other: StoredModel;
    split: SplitRule;
    parts: Uint8Array[];
    newTrain: Uint8Array | null;
    trained: TrainedByEither;
  },
  report: Report | undefined,
  { files }: { files: Files },
): { facts: ComparisonFacts } {
  const [ours, other] = [openModel(input.ours, files), openModel(input.other, files)];
  const { parts, newTrain, trained, split } = input;
  const leftOut = leaveOutOfBoth(split, ours.encoder, trained).slice(0, parts.length);
  const { all, last, unpaired } = pairRows(
    { challenger: ours, champion: other, parts, leftOut, columns: [], fewest: 0 },
    report && ((share) => report((share * parts.length) / (parts.length + 1))),
  );
  const theirs = leaveOutOfOther(split, ours.encoder, trained);
  const lastTest = parts.at(-1);
  const whole =
    newTrain === null || lastTest === undefined
      ? {}
      : scoreWhole({
          model: other,
          parts: [newTrain, lastTest],
          leftOut: [theirs.at(-1)!, theirs.at(-2)!],
          task: taskOfEncoder(ours.encoder),
        });
  return {
    facts: {
      ...compare(all, { unpaired, leftOut }, other.encoder),
      ...addPrefix(
        'new_batch_',
        compare(last, { unpaired: unpaired.slice(-1), leftOut: leftOut.slice(-1) }, other.encoder),
      ),
      ...addPrefix('prequential_', whole),
      train_rows_checked: trained.both.checked + trained.theirs.checked,
    },
  };
}

type Facts = Record<string, number | string>;

/** The facts on one set of test rows. */
function compare(
  pairs: Pairs,
  { unpaired, leftOut }: { unpaired: readonly number[]; leftOut: readonly Uint8Array[] },
  encoder: Encoder,
): ComparisonFacts {
  // A model of another target may predict numbers where the rows have classes.
  const rows = 'cells' in pairs === (encoder.classes !== undefined) ? pairs.rows : 0;
  const left = countFlags(leftOut);
  return {
    rows,
    ...scoreSide(pairs, 'champion', encoder),
    // On all our test rows, they are the scores of the version itself.
    ...(unpaired.every((count) => count === 0)
      ? {}
      : addPrefix('own_', scoreSide(pairs, 'challenger', encoder))),
    ...(rows === 0 ? {} : 'cells' in pairs ? testClasses(pairs) : testNumbers(pairs)),
    ...(left === 0 ? {} : { left_out: left }),
  };
}

function addPrefix(prefix: string, facts: Facts): Facts {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [prefix + name, value]));
}

/** The scores of one model that are shown and their intervals; nothing where there are no rows. */
function scoreSide(pairs: Pairs, side: 'challenger' | 'champion', { classes }: Encoder): Facts {
  let scores: object | null = null;
  if ('cells' in pairs && classes !== undefined) {
    const list = (of: 'actual' | typeof side): string[] =>
      pairs.cells.flatMap((cell) => Array<string>(cell.count).fill(pairs.labels[cell[of]]!));
    const found = scoreClasses(list('actual'), list(side), classes);
    scores = found && { ...found, ...boundClassScores(found) };
  } else if (!('cells' in pairs) && classes === undefined) {
    const found = scoreNumbers(pairs.actual, pairs[side]);
    scores = found && { ...found, ...boundR2(pairs.actual, pairs[side]) };
  }
  const { shown } = metricSetOf(taskOfEncoder({ classes }));
  const names = shown.flatMap((name) => [name, `${name}_low`, `${name}_high`]);
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = (scores as Record<string, unknown> | null)?.[name];
      return typeof value === 'number' ? [[name, value]] : [];
    }),
  );
}

/** The facts on all rows of the new batch that a model was not trained on. */
function scoreWhole(of: Parameters<typeof pairWithItself>[0]): Facts {
  const pairs = pairWithItself(of);
  const left = countFlags(of.leftOut);
  return {
    rows: pairs.rows,
    ...scoreSide(pairs, 'champion', of.model.encoder),
    ...(left === 0 ? {} : { left_out: left }),
  };
}

function testClasses(pairs: ClassPairs): Facts {
  const { gained, lost } = countDiscordant(pairs);
  const verdict: Verdict = !hasOddMajority(gained, lost)
    ? 'within noise'
    : gained > lost
      ? 'better'
      : 'worse';
  return { accuracy_change: verdict };
}

function testNumbers({ rows, actual, challenger, champion }: NumberPairs): Facts {
  const errors = (predicted: Float64Array): number[] =>
    Array.from(actual, (target, i) => Math.abs(target - predicted[i]!));
  const [own, their] = [errors(challenger), errors(champion)];
  const largest = [...own, ...their].reduce((a, b) => Math.max(a, b), 0);
  const scale = largest === 0 ? 1 : largest; // squares of large errors must not overflow
  const test = (power: 1 | 2): Verdict => {
    const differences = own.map(
      (error, i) => (error / scale) ** power - (their[i]! / scale) ** power,
    );
    const [low, high] = computeDifferenceInterval(differences);
    return high < 0 ? 'better' : low > 0 ? 'worse' : 'within noise';
  };
  const squares = test(2);
  return {
    rmse_change: squares,
    mae_change: test(1),
    // On the same rows, r2 falls and rises with the squared errors. A single row has none.
    ...(rows > 1 ? { r2_change: squares } : {}),
  };
}
