import { byCodePoint } from '../../../contract/codepoints.ts';
import type { SplitRule } from '../../../contract/defaults.ts';
import type { Files } from '../../batches/files.ts';
import { type Encoder, taskOfEncoder } from '../../features/encoder.ts';
import { applyWithRows } from '../../features/matrix.ts';
import { type Part, partFromArrow } from '../../features/part.ts';
import { openModel, type StoredModel } from '../../models/estimators.ts';
import type { Report } from '../../progress.ts';
import { leaveOutOfBoth, type TrainedByEither } from '../leakage.ts';

/** Test rows that were scored by the challenger and by the champion. */
export type Pairs = ClassPairs | NumberPairs;

/** Counts of rows by their class and the two predictions. Two models that predict the same make few cells. */
export interface ClassPairs {
  readonly rows: number;
  /** All classes that occur or could be predicted, in code-point order. */
  readonly labels: readonly string[];
  readonly cells: readonly ClassCell[];
}

/** `count` rows of class `labels[actual]`, predicted as `labels[challenger]` and `labels[champion]`. */
export interface ClassCell {
  readonly actual: number;
  readonly challenger: number;
  readonly champion: number;
  readonly count: number;
}

export interface NumberPairs {
  readonly rows: number;
  readonly actual: Float64Array;
  readonly challenger: Float64Array;
  readonly champion: Float64Array;
}

/** Pairs of all rows, and of the rows of each value of the columns that were asked for. */
export interface PairedRows {
  readonly all: Pairs;
  /** By column and value, in code-point order; only values with at least `fewest` rows. */
  readonly slices: readonly { column: string; value: string; pairs: Pairs }[];
  /** The columns that no test row has. */
  readonly unknownColumns: readonly string[];
  /** The columns without a value of at least `fewest` rows. */
  readonly thinColumns: readonly string[];
  /** The classes that each model predicts; none for numbers. */
  readonly classes: Readonly<Record<'challenger' | 'champion', readonly string[]>>;
}

/** A column by whose values rows are counted separately. A missing cell has code 0. */
interface SliceColumn {
  readonly name: string;
  readonly codes: Map<string, number>;
  readonly rows: number[];
}

/** One row for each that both models can score: codes of labels, or numbers. */
interface Collected {
  readonly actual: number[];
  readonly challenger: number[];
  readonly champion: number[];
}

/**
 * Predicts test rows with two models. A row that one of them leaves out, because a cell is missing, is in no pair, and
 * neither is a row that one of them was trained on.
 * @param input.parts Arrow files of test rows
 * @param input.trained null where no model was trained on any of the rows
 * @param input.columns by whose values the rows are split
 * @param input.fewest rows of a slice
 * @throws BadData when the champion cannot read the rows
 */
export function pairRows(
  input: {
    challenger: StoredModel;
    champion: StoredModel;
    parts: readonly Uint8Array[];
    split: SplitRule;
    trained: TrainedByEither | null;
    columns: readonly string[];
    fewest: number;
  },
  report: Report | undefined,
  files: Files,
): PairedRows {
  const challenger = openModel(input.challenger, files, 'the challenger');
  const champion = openModel(input.champion, files, 'the champion');
  const isClasses = taskOfEncoder(challenger.encoder) === 'classification';
  const leftOut = input.trained && leaveOutOfBoth(input.split, challenger.encoder, input.trained);
  const labels = new Codes();
  const rows: Collected = { actual: [], challenger: [], champion: [] };
  const names = [...new Set(input.columns)];
  const columns = names.map((name): SliceColumn => ({ name, codes: new Map(), rows: [] }));
  const known = new Set<string>();
  for (const [i, bytes] of input.parts.entries()) {
    const part = partFromArrow(bytes);
    for (const { name } of part.features) known.add(name);
    collect(part, leftOut?.[i], { challenger, champion }, { rows, columns, labels });
    report?.((i + 1) / input.parts.length);
  }
  const slices = columns.flatMap((column) =>
    listSlices(column, input.fewest).map(({ value, members }) => ({
      column: column.name,
      value,
      pairs: toPairs(rows, isClasses ? labels : undefined, members),
    })),
  );
  return {
    all: toPairs(rows, isClasses ? labels : undefined),
    slices,
    unknownColumns: names.filter((name) => !known.has(name)),
    thinColumns: names.filter(
      (name) => known.has(name) && slices.every(({ column }) => column !== name),
    ),
    classes: {
      challenger: challenger.encoder.classes ?? [],
      champion: champion.encoder.classes ?? [],
    },
  };
}

/** Codes of labels in the order in which they are first met. */
class Codes {
  readonly #codes = new Map<string, number>();

  of(label: string): number {
    const code = this.#codes.get(label) ?? this.#codes.size;
    this.#codes.set(label, code);
    return code;
  }

  list(): string[] {
    return [...this.#codes.keys()];
  }
}

type OpenModel = ReturnType<typeof openModel>;

/** Adds the rows of a part that both models score. */
function collect(
  part: Part,
  leftOut: Uint8Array | undefined,
  models: { challenger: OpenModel; champion: OpenModel },
  into: { rows: Collected; columns: readonly SliceColumn[]; labels: Codes },
): void {
  const own = predict(models.challenger, part, into.labels);
  const their = predict(models.champion, keepColumns(part, models.champion.encoder), into.labels);
  const places = new Map(Array.from(their.kept, (row, i) => [row, i]));
  const values = into.columns.map(({ name }) =>
    part.table.columnIndex(name) < 0
      ? undefined
      : (part.table.array(name) as (string | number | null)[]),
  );
  for (const [i, row] of own.kept.entries()) {
    const j = places.get(row);
    if (j === undefined || leftOut?.[row] === 1) continue;
    into.rows.actual.push(own.actual[i]!);
    into.rows.challenger.push(own.predicted[i]!);
    into.rows.champion.push(their.predicted[j]!);
    for (const [c, { codes, rows }] of into.columns.entries()) {
      const value = values[c]?.[row] ?? null;
      rows.push(value === null ? 0 : codeOf(codes, String(value)));
    }
  }
}

function codeOf(codes: Map<string, number>, value: string): number {
  const code = codes.get(value) ?? codes.size + 1;
  codes.set(value, code);
  return code;
}

/** A part without the columns that came after a model was trained. */
function keepColumns(part: Part, { features }: Encoder): Part {
  const known = new Set(features.map(({ name }) => name));
  return { ...part, features: part.features.filter(({ name }) => known.has(name)) };
}

function predict(
  { model, encoder }: OpenModel,
  part: Part,
  labels: Codes,
): { kept: Uint32Array; actual: ArrayLike<number>; predicted: ArrayLike<number> } {
  const matrix = applyWithRows(encoder, part);
  const predicted = model.predict(matrix);
  const { kept } = matrix;
  if ('numbers' in predicted)
    return { kept, actual: matrix.targets!, predicted: predicted.numbers };
  const codes = (encoder.classes ?? []).map((label) => labels.of(label));
  return {
    kept,
    actual: matrix.labels.map((label) => labels.of(label)),
    predicted: predicted.classes.map((index) => codes[index]!),
  };
}

/** The values of a column with enough rows, in code-point order, and the rows of each. */
function listSlices(
  { codes, rows }: SliceColumn,
  fewest: number,
): { value: string; members: number[] }[] {
  const members = Array.from({ length: codes.size + 1 }, (): number[] => []);
  for (const [row, code] of rows.entries()) members[code]!.push(row);
  return [...codes]
    .map(([value, code]) => ({ value, members: members[code]! }))
    .filter((one) => one.members.length >= fewest)
    .sort((a, b) => byCodePoint(a.value, b.value));
}

/** @param labels codes of classes; undefined for numbers */
function toPairs(rows: Collected, labels: Codes | undefined, members?: readonly number[]): Pairs {
  const pick = (values: readonly number[]): readonly number[] =>
    members === undefined ? values : members.map((row) => values[row]!);
  const actual = pick(rows.actual);
  const [challenger, champion] = [pick(rows.challenger), pick(rows.champion)];
  if (labels === undefined)
    return {
      rows: actual.length,
      actual: Float64Array.from(actual),
      challenger: Float64Array.from(challenger),
      champion: Float64Array.from(champion),
    };
  const names = labels.list();
  const sorted = names.toSorted(byCodePoint);
  const ranks = new Map(sorted.map((label, rank) => [label, rank]));
  const rankOf = names.map((label) => ranks.get(label)!);
  const rank = (codes: readonly number[]): number[] => codes.map((code) => rankOf[code]!);
  return countPairs(sorted, {
    actual: rank(actual),
    challenger: rank(challenger),
    champion: rank(champion),
  });
}

/** Counts rows by their class and the two predictions, given as indexes of labels, in the order of these. */
export function countPairs(
  labels: readonly string[],
  { actual, challenger, champion }: Readonly<Record<keyof Collected, readonly number[]>>,
): ClassPairs {
  const size = labels.length;
  const counts = new Map<number, number>();
  for (let row = 0; row < actual.length; row++) {
    const cell = (actual[row]! * size + challenger[row]!) * size + champion[row]!;
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
  }
  const cells = [...counts]
    .sort(([a], [b]) => a - b)
    .map(([cell, count]) => ({
      actual: Math.floor(cell / size / size),
      challenger: Math.floor(cell / size) % size,
      champion: cell % size,
      count,
    }));
  return { rows: actual.length, labels, cells };
}
