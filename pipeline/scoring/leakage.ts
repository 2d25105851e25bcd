import { LeakedRows } from '../../contract/failures.ts';
import { readSplit, type SplitRule } from '../../contract/defaults.ts';
import { RETRAIN } from '../../contract/command.ts';
import { type Encoder, encoderFromJson, listDateParts } from '../features/encoder.ts';
import { hashRows, TrainedRows, type RowHashes } from '../features/row-hash.ts';
import type { Report } from '../progress.ts';

/**
 * What happens to a test row that is equal to a train row of the same version.
 * - `refuse`: equal rows are always on one side, so the stored parts are wrong.
 * - `leave out`: a later batch can have a train row that is equal to a test row of an earlier batch.
 * - `count`: equal rows can be about different things, because what decides the side is not a feature.
 */
type EqualRows = 'refuse' | 'leave out' | 'count';

/** Returns what happens to test rows that are equal to train rows, by what decides the side of a row. */
export function findEqualRowsRule(split: SplitRule, { features }: Encoder): EqualRows {
  const { by, key, timeColumn } = readSplit(split);
  const isFeature = (name: string): boolean => features.some((feature) => feature.name === name);
  if (by === 'time') return isFeature(timeColumn!) ? 'leave out' : 'count';
  return key === null || key.every(isFeature) ? 'refuse' : 'count';
}

/**
 * Hashes the rows of some parts.
 * @param input.encoders of the models that are scored on them
 * @returns also the features that are parts of dates of one of the encoders: no hash depends on them
 */
export function hashParts(input: { parts: Uint8Array[]; encoders: Uint8Array[] }): {
  hashes: RowHashes[];
  derived: string[];
} {
  const derived = new Set(input.encoders.flatMap((bytes) => listDateParts(encoderFromJson(bytes))));
  return { hashes: input.parts.map((bytes) => hashRows(bytes, derived)), derived: [...derived] };
}

/**
 * Finds the rows that are equal to one of some train rows.
 * @param input.parts Arrow files of train rows
 * @param input.derived as {@link hashParts} returns it
 * @returns for each part of `input.rows` 1 for each row that is equal to a train row and 0 for each other row, and the
 *   number of train rows
 */
export function findTrained(
  input: { rows: RowHashes[]; parts: Uint8Array[]; derived: string[] },
  report?: Report,
): { trained: Uint8Array[]; checked: number } {
  const derived = new Set(input.derived);
  const found = new TrainedRows(input.rows);
  let checked = 0;
  for (const [i, bytes] of input.parts.entries()) {
    const hashes = hashRows(bytes, derived);
    found.mark(hashes);
    checked += hashes.low.length;
    report?.((i + 1) / input.parts.length);
  }
  return { trained: found.flags(), checked };
}

/** For the test rows of each part, 1 for a row that is equal to a train row. */
export interface TestRowsCheck {
  readonly trained: readonly Uint8Array[];
  /** The number of train rows with which they were compared. */
  readonly checked: number;
}

/**
 * Decides which test rows the model of a version is not scored on, because it was trained on equal rows.
 * @param of.names of the parts
 * @returns the rows to leave out, and the number of those that are equal to train rows
 * @throws LeakedRows when a row of the split by hash is on both sides
 */
export function leaveOutTrained(
  { trained }: TestRowsCheck,
  rule: EqualRows,
  of: { batch: number; names: readonly string[] },
): { leftOut: readonly Uint8Array[] | undefined; equal: number } {
  const equal = countFlags(trained);
  if (equal === 0 || rule === 'count') return { leftOut: undefined, equal };
  if (rule === 'leave out') return { leftOut: trained, equal };
  const first = trained.findIndex((flags) => flags.includes(1));
  throw new LeakedRows(
    `${equal} of the ${trained.reduce((sum, { length }) => sum + length, 0)} test rows of version ${of.batch} are equal to rows ` +
      `that its model was trained on, the first is row ${trained[first]!.indexOf(1) + 1} of ${of.names[first]}, so the ` +
      `scores would prove nothing: split all batches again with "${RETRAIN} run ${of.batch} --force"`,
  );
}

/** Test rows that are equal to rows of the train parts of both models, of the other one alone, and of ours alone. */
export type TrainedByEither = Record<'both' | 'theirs' | 'ours', TestRowsCheck>;

/** Returns the test rows on which two models are not compared, because one was trained on equal rows. */
export function leaveOutOfBoth(
  split: SplitRule,
  encoder: Encoder,
  { both, theirs, ours }: TrainedByEither,
): readonly Uint8Array[] {
  // Where equal rows can be about different things, only a train part that is not ours shows that a row has moved.
  return findEqualRowsRule(split, encoder) === 'count'
    ? theirs.trained
    : mergeFlags(mergeFlags(both.trained, theirs.trained), ours.trained);
}

/** Returns the rows of the new batch on which the other model is not scored, because it was trained on equal rows. */
export function leaveOutOfOther(
  split: SplitRule,
  encoder: Encoder,
  { both, theirs }: TrainedByEither,
): readonly Uint8Array[] {
  return findEqualRowsRule(split, encoder) === 'count'
    ? theirs.trained
    : mergeFlags(both.trained, theirs.trained);
}

/** The rows with a flag in either list. A part that the second list lacks has no flags there. */
export function mergeFlags(
  flags: readonly Uint8Array[],
  more: readonly Uint8Array[],
): Uint8Array<ArrayBuffer>[] {
  return flags.map((part, i) => Uint8Array.from(part, (flag, row) => flag | (more[i]?.[row] ?? 0)));
}

/** Counts the rows with a flag. */
export function countFlags(flags: readonly Uint8Array[]): number {
  return flags.reduce((sum, part) => part.reduce((count, flag) => count + flag, sum), 0);
}
