import type { DatePart } from '../../contract/defaults.ts';
import type { Files } from '../batches/files.ts';
import { CellRule } from '../csv/cells.ts';
import { type CategoryFeature, codeWords, type Encoder } from '../features/encoder.ts';
import { findLabelType, type LabelType, toLabel } from '../features/label-type.ts';
import { openParts, readStored } from '../models/estimators.ts';
import { type Elements, Graph, type Value, type ValueType } from '../onnx/graph.ts';
import type { PredictorParts } from './predictor.ts';

/** The parts of a model in an ONNX file. It cannot refuse a row, so a word that no train row has is always encoded. */
export type OnnxParts = Omit<PredictorParts, 'rejectsUnseen'>;

/**
 * The size of a model and its encoder in bytes up to which there is an ONNX file. A tree of 170 000 nodes and few classes
 * takes a second and 100 MB of memory, and its file has 2 MB. With 1 000 classes, a file has up to four times the size of
 * the model, and takes 4 s and 500 MB at this bound.
 */
const MOST_BYTES = 32_000_000;

/** The names of the outputs. */
const OUTPUTS = { label: 'label', shares: 'probabilities', number: 'prediction' };

/** The name of the number of rows. */
const ROWS = 'rows';

/**
 * Writes a model with its encoder as an ONNX file. The inputs are the raw columns by name: float64 for numbers, days since
 * 1970-01-01T00:00Z as float64 for dates, and strings for words, each with one column. NaN is a missing number or date.
 * The outputs are `label` and `probabilities`, or `prediction` for a regression. They are exactly what {@link Predictor}
 * returns, because all operators compute with float64.
 * @returns the file, or why there is none
 * @throws BadData when the parts are not those of a model
 */
export async function makeOnnx(
  parts: OnnxParts,
): Promise<{ file: Uint8Array; reason?: never } | { file?: never; reason: string }> {
  const size = parts.model.size + parts.encoder.length;
  if (size > MOST_BYTES)
    return {
      reason: `the model and its encoder have ${Math.ceil(size / 1e6)} MB, and an ONNX file is written up to ${MOST_BYTES / 1e6} MB`,
    };
  const { model, encoder } = openParts(parts, { forUse: true });
  const graph = new Graph();
  const rows = addEncoder(graph, encoder, new CellRule(parts.cells));
  const { classes, target } = encoder;
  const prediction = model.addToGraph(graph, rows, classes?.length ?? 0);
  const metadata: Record<string, string> = { target };
  if ('numbers' in prediction) {
    graph.output(prediction.numbers, OUTPUTS.number, 'double', [ROWS]);
  } else {
    const type = findLabelType(encoder);
    const labels = graph.constant(listLabels(classes!, type), [classes!.length]);
    const label = graph.add('Gather', [labels, prediction.classes]);
    graph.output(label, OUTPUTS.label, LABELS[type], [ROWS]);
    graph.output(prediction.shares, OUTPUTS.shares, 'double', [ROWS, classes!.length]);
    metadata['classes'] = JSON.stringify(classes);
  }
  return { file: await graph.finish(metadata) };
}

/**
 * Writes a model with its encoder as an ONNX file; see {@link makeOnnx}.
 * @param input.into path of the file; one that exists is replaced
 * @returns why there is no file; null if there is one
 */
export async function writeOnnx(
  {
    model: path,
    into,
    ...parts
  }: Omit<OnnxParts, 'model'> & { readonly model: string; readonly into: string },
  _report: unknown,
  { files }: { files: Files },
): Promise<string | null> {
  const made = await makeOnnx({ ...parts, model: readStored(path, files) });
  if (made.reason !== undefined) return made.reason;
  files.remove(into);
  files.append(into, made.file);
  return null;
}

const LABELS: Record<LabelType, ValueType> = {
  boolean: 'boolean',
  long: 'int64',
  double: 'double',
  string: 'string',
};

function listLabels(classes: readonly string[], type: LabelType): Elements {
  const labels = classes.map((word) => toLabel(word, type));
  if (type === 'long') return BigInt64Array.from(labels as (number | bigint)[], BigInt);
  if (type === 'double') return Float64Array.from(labels as number[]);
  return labels as string[] | boolean[];
}

/** Adds the inputs, and what encodes them. Returns the encoded rows: float64, a column for each feature. */
function addEncoder(graph: Graph, encoder: Encoder, rule: CellRule): Value {
  const inputs = new Map<string, Value>();
  for (const feature of encoder.features) {
    const name = findColumn(feature);
    const type = feature.type === 'category' ? 'string' : 'double';
    if (!inputs.has(name)) inputs.set(name, graph.input(name, type, [ROWS, 1]));
  }
  const maths = new Maths(graph);
  const known = encoder.features.map((feature) => {
    const cells = inputs.get(findColumn(feature))!;
    if (feature.type === 'category') return addWords(graph, cells, feature, encoder, rule);
    if (feature.type === 'number') return addMissingNumbers(graph, cells, rule);
    return feature.part === undefined ? cells : DATE_PARTS[feature.part](maths, cells);
  });
  const all = graph.add('Concat', known, { axis: 1 });
  // A word is encoded in any case, so its column is never NaN.
  const medians = encoder.features.map((one) => (one.type === 'category' ? 0 : one.median));
  return graph.add('Where', [
    graph.add('IsNaN', [all]),
    graph.constant(Float64Array.from(medians), [1, medians.length]),
    all,
  ]);
}

/** The raw column of a feature. */
function findColumn(feature: Encoder['features'][number]): string {
  return (feature.type === 'date' ? feature.from : undefined) ?? feature.name;
}

/** A number that means "not known", such as -999, is NaN. */
function addMissingNumbers(graph: Graph, numbers: Value, rule: CellRule): Value {
  return [...rule.missingNumbers].reduce<Value>((known, missing) => {
    const isMissing = graph.add('Equal', [known, graph.constant(Float64Array.of(missing), [1])]);
    const unknown = graph.constant(Float64Array.of(Number.NaN), [1]);
    return graph.add('Where', [isMissing, unknown, known]);
  }, numbers);
}

/** Words are compared as they are: white space around a word must be removed before. */
function addWords(
  graph: Graph,
  words: Value,
  feature: CategoryFeature,
  encoder: Encoder,
  rule: CellRule,
): Value {
  const { codes, missing, other } = codeWords(feature, encoder);
  const all = new Map(codes);
  // The operator needs a word, also if no train row has one.
  for (const word of [...rule.missingWords, ...(all.size === 0 ? [''] : [])])
    all.set(word, missing);
  return graph.addMlOperator('LabelEncoder', [words], {
    keys_tensor: { tensor: [...all.keys()] },
    values_tensor: { tensor: Float64Array.from(all.values()) },
    default_tensor: { tensor: Float64Array.of(other) },
  });
}

/** Arithmetic on float64. Whole numbers below 2^53 stay exact, and NaN stays NaN. */
class Maths {
  readonly #graph: Graph;
  /** What was computed before: the parts of a date have most steps in common. */
  readonly #known = new Map<string, Value>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  add = (a: Value, b: Value | number): Value => this.#apply('Add', a, b);
  subtract = (a: Value, b: Value | number): Value => this.#apply('Sub', a, b);
  multiply = (a: Value, b: Value | number): Value => this.#apply('Mul', a, b);
  least = (a: Value, b: Value | number): Value => this.#apply('Min', a, b);
  floor = (a: Value): Value => this.#once(`Floor ${a}`, () => this.#graph.add('Floor', [a]));
  /** The whole part of a quotient. */
  divide = (a: Value, b: number): Value => this.floor(this.#apply('Div', a, b));
  remainder = (a: Value, b: number): Value => this.subtract(a, this.multiply(this.divide(a, b), b));
  /** `ifBelow` where a value is below a limit, else `otherwise`. */
  choose = (value: Value, limit: number, ifBelow: Value, otherwise: Value): Value => {
    const isBelow = this.#apply('Less', value, limit);
    return this.#once(`Where ${isBelow} ${ifBelow} ${otherwise}`, () =>
      this.#graph.add('Where', [isBelow, ifBelow, otherwise]),
    );
  };

  #apply(operator: string, a: Value, b: Value | number): Value {
    const second =
      typeof b === 'number'
        ? this.#once(String(b), () => this.#graph.constant(Float64Array.of(b), [1]))
        : b;
    return this.#once(`${operator} ${a} ${second}`, () => this.#graph.add(operator, [a, second]));
  }

  #once(what: string, make: () => Value): Value {
    const value = this.#known.get(what) ?? make();
    this.#known.set(what, value);
    return value;
  }
}

/** The parts of dates, which are days since 1970; see `findDatePart`. */
const DATE_PARTS: Record<DatePart, (maths: Maths, days: Value) => Value> = {
  year: (maths, days) => findDay(maths, days).year,
  month: (maths, days) => findDay(maths, days).month,
  day: (maths, days) => findDay(maths, days).day,
  weekday: (maths, days) => maths.remainder(maths.add(maths.floor(days), 3), 7),
  hour: (maths, days) => {
    const seconds = maths.multiply(maths.subtract(days, maths.floor(days)), 86_400);
    return maths.least(maths.divide(maths.floor(maths.add(seconds, 0.5)), 3600), 23);
  },
};

/**
 * The day in the Gregorian calendar. Years that begin in March end with the day of leap years, and repeat every 400
 * years: https://howardhinnant.github.io/date_algorithms.html#civil_from_days
 */
function findDay(maths: Maths, days: Value): { year: Value; month: Value; day: Value } {
  const { add, subtract, multiply, divide, remainder, choose } = maths;
  const sinceYear0 = add(maths.floor(days), 719_468);
  const inEra = remainder(sinceYear0, 146_097);
  const leapDays = add(
    subtract(divide(inEra, 1460), divide(inEra, 36_524)),
    divide(inEra, 146_096),
  );
  const yearOfEra = divide(subtract(inEra, leapDays), 365);
  const daysBefore = add(
    multiply(yearOfEra, 365),
    subtract(divide(yearOfEra, 4), divide(yearOfEra, 100)),
  );
  const inYear = subtract(inEra, daysBefore);
  const sinceMarch = divide(add(multiply(inYear, 5), 2), 153);
  const day = add(subtract(inYear, divide(add(multiply(sinceMarch, 153), 2), 5)), 1);
  const month = choose(sinceMarch, 10, add(sinceMarch, 3), subtract(sinceMarch, 9));
  const year = add(multiply(divide(sinceYear0, 146_097), 400), yearOfEra);
  return { year: choose(month, 3, add(year, 1), year), month, day };
}
