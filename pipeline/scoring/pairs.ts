import { byCodePoint } from '../../contract/codepoints.ts';
import type { Task } from '../../contract/defaults.ts';
import { type Encoder, taskOfEncoder } from '../features/encoder.ts';
import { applyWithRows } from '../features/matrix.ts';
import { type Part, partFromArrow } from '../features/part.ts';
import type { openModel } from '../models/estimators.ts';
import type { Report } from '../progress.ts';

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
  /** Pairs of the last part. */
  readonly last: Pairs;
  /** For each part, the number of rows that only the challenger can score, or that are left out. */
  readonly unpaired: readonly number[];
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
 * neither is a row with a flag in `leftOut`.
 * @param input.parts Arrow files of test rows
 * @param input.leftOut for each part, 1 for each row that a model was trained on; undefined where there is none
 * @param input.columns by whose values the rows are split
 * @param input.fewest rows of a slice
 * @throws BadData when the champion cannot read the rows
 */
export function pairRows(
  input: {
    challenger: OpenModel;
    champion: OpenModel;
    parts: readonly Uint8Array[];
    leftOut: readonly Uint8Array[] | undefined;
    columns: readonly string[];
    fewest: number;
  },
  report: Report | undefined,
): PairedRows {
  const { challenger, champion } = input;
  const labels = new Codes();
  const codes = taskOfEncoder(challenger.encoder) === 'classification' ? labels : undefined;
  const rows: Collected = { actual: [], challenger: [], champion: [] };
  const names = [...new Set(input.columns)];
  const columns = names.map((name): SliceColumn => ({ name, codes: new Map(), rows: [] }));
  const known = new Set<string>();
  const unpaired: number[] = [];
  let lastFrom = 0;
  for (const [i, bytes] of input.parts.entries()) {
    const part = partFromArrow(bytes);
    for (const { name } of part.features) known.add(name);
    lastFrom = rows.actual.length;
    unpaired.push(collect(part, input.leftOut?.[i], input, { rows, columns, labels }));
    report?.((i + 1) / input.parts.length);
  }
  const slices = columns.flatMap((column) =>
    listSlices(column, input.fewest).map(({ value, members }) => ({
      column: column.name,
      value,
      pairs: toPairs(rows, codes, (values) => members.map((row) => values[row]!)),
    })),
  );
  return {
    all: toPairs(rows, codes),
    last: toPairs(rows, codes, (values) => values.slice(lastFrom)),
    unpaired,
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

/**
 * Predicts rows with one model, which is on both sides of the pairs.
 * @param input.leftOut for each part, 1 for each row that is left out
 * @param input.task of the rows
 */
export function pairWithItself(input: {
  model: OpenModel;
  parts: readonly Uint8Array[];
  leftOut: readonly Uint8Array[];
  task: Task;
}): Pairs {
  const labels = new Codes();
  const [actual, predicted]: [number[], number[]] = [[], []];
  for (const [i, bytes] of input.parts.entries()) {
    const part = keepColumns(partFromArrow(bytes), input.model.encoder);
    const found = predict(input.model, part, labels);
    for (const [at, row] of found.kept.entries()) {
      if (input.leftOut[i]![row] === 1) continue;
      actual.push(found.actual[at]!);
      predicted.push(found.predicted[at]!);
    }
  }
  const rows = { actual, challenger: predicted, champion: predicted };
  return toPairs(rows, input.task === 'classification' ? labels : undefined);
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

/**
 * Adds the rows of a part that both models score.
 * @returns the number of other rows that the challenger can score
 */
function collect(
  part: Part,
  leftOut: Uint8Array | undefined,
  models: { challenger: OpenModel; champion: OpenModel },
  into: { rows: Collected; columns: readonly SliceColumn[]; labels: Codes },
): number {
  const own = predict(models.challenger, part, into.labels);
  const their = predict(models.champion, keepColumns(part, models.champion.encoder), into.labels);
  const places = new Map(Array.from(their.kept, (row, i) => [row, i]));
  const values = into.columns.map(({ name }) =>
    part.table.columnIndex(name) < 0
      ? undefined
      : (part.table.array(name) as (string | number | null)[]),
  );
  const before = into.rows.actual.length;
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
  return own.kept.length - (into.rows.actual.length - before);
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

/** Predicts the rows of a part that a model can score, as codes of labels or as numbers. */
function predict(
  { model, encoder }: OpenModel,
  part: Part,
  labels: Codes,
): { kept: Uint32Array; actual: ArrayLike<number>; predicted: ArrayLike<number> } {
  const matrix = applyWithRows(encoder, part);
  const predicted = model.predict(matrix);
  const codes = (encoder.classes ?? []).map((label) => labels.of(label));
  return {
    kept: matrix.kept,
    actual: matrix.targets ?? matrix.labels.map((label) => labels.of(label)),
    predicted:
      'numbers' in predicted ? predicted.numbers : predicted.classes.map((index) => codes[index]!),
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

/**
 * @param labels codes of classes; undefined for numbers
 * @param pick picks some of the rows; without it, all of them are meant
 */
function toPairs(
  rows: Collected,
  labels: Codes | undefined,
  pick = (values: readonly number[]): readonly number[] => values,
): Pairs {
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
