import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import {
  DATE_PARTS,
  DECIMALS,
  DEFAULT_MODEL_TYPE,
  GATE_APPROVALS,
  GATE_HOURS,
  GATE_RULES,
  MISSING_VALUES,
  modelTypeOf,
  ON_DUPLICATE,
  SPLIT_BY,
  TASKS,
  THOUSANDS,
} from './defaults.ts';
import { isObject } from './canonical-json.ts';
import { BadParams, type WrongValue } from './failures.ts';
import { PIPELINE_NAME } from './paths.ts';
import { describeExpected, mayHoldPassword } from './wrong-value.ts';

export const columnType = z.enum(['number', 'category', 'date', 'ignore']);

/**
 * The part of the model section that every type of model has. The hyperparameters of the type are beside it, and
 * pipeline/models/params.ts checks them.
 */
export const modelShape = z.looseObject({
  /** Whether the target is a class or a number. Frozen once the first batch is cut. */
  task: z.enum(TASKS).default('classification'),
  /** The type of the model. It may change from run to run. */
  type: z.string().default(DEFAULT_MODEL_TYPE),
});

/** Its value is never shown: it may be the secret itself, written in the wrong place. */
const SECRET_NAME =
  'expected the name of an environment variable, RETRAIN_SOURCE_URL or RETRAIN_SOURCE_URL_SALES, never its value';

/**
 * The params that affect a result, with their defaults. They are pinned into the history of every run, and hashed
 * into the cache keys of the stages that read them. A new field needs a default.
 */
export const paramsShape = z.strictObject({
  data: z
    .strictObject({
      /** `iris`, a path (of a folder, ending in `/`), http(s)://, s3:// or dvc://. */
      source: z.string().min(1).default('iris'),
      /**
       * The environment variable with the whole URL, where its query holds a secret. Only the machine that reads
       * the source needs it.
       */
      source_secret_env: z
        .string()
        .regex(/^RETRAIN_SOURCE_URL(_[A-Z0-9]+)*$/, SECRET_NAME)
        .nullable()
        .default(null),
      /** The character between two cells. */
      delimiter: z
        .string()
        .regex(/^[\t!#$%&*,/:;<=>?@^_`|~]$/, 'expected one character, such as , ; | or a tab')
        .default(','),
      /** The encoding of the source's text. */
      encoding: z.enum(['utf-8', 'latin1']).default('utf-8'),
      /** Name of the column to predict. */
      target: z.string().min(1).default('species'),
      /** Rows per batch. */
      batch_size: z.int().min(1).max(10_000_000).default(50),
      /** Seed of the order in which rows are cut into batches; null keeps the order of the file. */
      shuffle_seed: z.int().min(0).max(4_294_967_295).nullable().default(42),
      /** Declared column types; the others are inferred over all rows. */
      columns: z.record(z.string(), columnType).default({}),
      /** Cells that mean "not known", compared after trimming. */
      missing_values: z.array(z.string()).default(() => [...MISSING_VALUES]),
      /** The character before the fraction of a number. */
      decimal: z.enum(DECIMALS).default('.'),
      /** The character between groups of three digits of a number. */
      thousands: z.enum(THOUSANDS).nullable().default(null),
      /** Parts of dates that are features beside the day. */
      date_parts: z.array(z.enum(DATE_PARTS)).default([]),
      labels: z
        .strictObject({
          /** Whether labels that are one number (0, 0.0) or one word in other case (no, NO) are one class. */
          normalise: z.boolean().default(false),
        })
        .prefault({}),
      /** How the columns of later data are matched with the known ones. */
      columns_by: z.enum(['name', 'position']).default('name'),
      /** For a later file with a new column: refuse the file, leave the column out, or make it a feature from then on. */
      on_new_column: z.enum(['fail', 'ignore', 'adapt']).default('fail'),
      /** For a later file without a known column: refuse it, store the batch without the column, or with empty cells. */
      on_missing_column: z.enum(['fail', 'ignore', 'adapt']).default('fail'),
      /** For a later batch with a new word or label: fail the run, do not learn it, or learn it. */
      on_new_category: z.enum(['fail', 'ignore', 'adapt']).default('adapt'),
    })
    .refine(({ decimal, thousands }) => decimal !== thousands, {
      path: ['thousands'],
      message: 'expected another character than data.decimal',
    })
    .prefault({}),
  arrivals: z
    .strictObject({
      /** For a new file with the bytes of a known one: warn, or quarantine it. */
      on_duplicate: z.enum(ON_DUPLICATE).default('warn'),
    })
    .prefault({}),
  split: z
    .strictObject({
      /** Share of rows that are test rows, 0 < share < 1. */
      test_size: z.number().gt(0).lt(1).default(0.2),
      /** Rows that are equal in these columns stay on the same side; null means all feature columns. */
      key: z.array(z.string().min(1)).min(1).nullable().default(null),
      /** `hash`: a row keeps its side for ever; `time`: the newest rows of each batch are test rows. Frozen. */
      by: z.enum(SPLIT_BY).default('hash'),
      /** With `by: time`, the column of dates or numbers that orders the rows of a batch. */
      time_column: z.string().min(1).nullable().default(null),
    })
    .refine(({ by, time_column }) => by !== 'time' || time_column !== null, {
      path: ['time_column'],
      message: 'expected the name of the column of times, because split.by is time',
    })
    .refine(({ by, time_column }) => by === 'time' || time_column === null, {
      path: ['time_column'],
      message: 'expected null unless split.by is time',
    })
    .refine(({ by, key }) => by !== 'time' || key === null, {
      path: ['key'],
      message: 'expected null where split.by is time: the time alone decides',
    })
    .prefault({}),
  preprocess: z
    .strictObject({
      /** `impute` fills in the median or the most frequent value of the train rows; `drop` leaves such rows out. */
      missing: z.enum(['impute', 'drop']).default('impute'),
    })
    .prefault({}),
  model: modelShape.prefault({}),
  gate: z
    .strictObject({
      /** The score by which the challenger and the champion are compared; null means the headline score. */
      metric: z.string().min(1).nullable().default(null),
      /** When the challenger becomes the champion: unless it is shown to be worse, only if it is shown to be better, … */
      rule: z.enum(GATE_RULES).default('not_worse'),
      /** The difference that does not matter, in the unit of the metric. */
      margin: z.number().min(0).default(0),
      /** Of the test that shows a difference. */
      confidence: z.number().gt(0.5).lt(1).default(0.95),
      /** Columns of which no value with enough rows may get worse. */
      slices: z.array(z.string().min(1)).default([]),
      /** Whether a person must approve what the gate would promote. */
      approval: z.enum(GATE_APPROVALS).default('none'),
      /** How often the webhook is reminded of a version that waits for approval. */
      reminder_hours: z
        .number()
        .min(GATE_HOURS.least, 'expected at least 0.017, which is a minute')
        .max(GATE_HOURS.most)
        .default(24),
      /** When an approval that nobody gave expires; null: never. */
      expiry_hours: z.number().gt(0).max(GATE_HOURS.most).nullable().default(null),
    })
    .prefault({}),
});

export type Params = z.infer<typeof paramsShape>;

/** A pipeline's name is part of keys, workflow ids and names in MLflow's registry. */
export const pipelineName = z
  .string()
  .regex(
    PIPELINE_NAME,
    'expected 1 to 64 letters, digits, "_" or "-", the first a letter or digit',
  );

/** A batch's number. */
export const batchNumber = z.int().min(1).max(999_999);

/**
 * Checks a value against a schema.
 * @param what names the value in the message: `params.yaml`, `--set`, `the workflow's input`
 * @throws BadParams naming the key, its value and what is allowed.
 */
export function parseParams<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value, { error: describeExpected });
  if (parsed.success) return parsed.data;
  const sections = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const names = [...sections, ...listNames(schema.safeParse({}).data)];
  throw BadParams.ofValues(
    selectIssues(parsed.error.issues).flatMap((issue) => {
      if (issue.code === 'unrecognized_keys') return describeKeys(issue, { what, names });
      const orNull = acceptsNull(schema, value, issue) ? ', or null' : '';
      return [describe(issue, value, { what, orNull })];
    }),
  );
}

/** One issue for each value: the size of a value of a wrong type does not matter, and the last limit is the closest. */
function selectIssues(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const selected = new Map<string, z.core.$ZodIssue>();
  for (const issue of issues) {
    const at = `${issue.code === 'unrecognized_keys' ? 'keys of ' : ''}${joinPath(issue)}`;
    if (selected.get(at)?.code !== 'invalid_type') selected.set(at, issue);
  }
  return [...selected.values()];
}

/** Whether null would be right where an issue is. The sentences about values leave it out. */
function acceptsNull(schema: z.ZodType, value: unknown, issue: z.core.$ZodIssue): boolean {
  if (!issue.message.startsWith('expected') || /\bnull\b/.test(issue.message)) return false;
  const { error } = schema.safeParse(setNull(value, issue.path));
  const path = joinPath(issue);
  return error?.issues.every((other) => joinPath(other) !== path) ?? true;
}

/** Returns a copy of a document with null at a path. */
function setNull(value: unknown, [key, ...rest]: readonly PropertyKey[]): unknown {
  if (key === undefined) return null;
  if (Array.isArray(value)) return value.map((item, i) => (i === key ? setNull(item, rest) : item));
  if (!isObject(value)) return value;
  return { ...value, [key]: setNull(value[String(key)], rest) };
}

/** The dotted names of a document's sections and values. */
function listNames(document: unknown, above = ''): string[] {
  if (!isObject(document)) return [];
  return Object.entries(document).flatMap(([key, value]) => {
    const name = `${above}${key}`;
    return [name, ...listNames(value, `${name}.`)];
  });
}

/** The known name with almost the same spelling; undefined if there is none. */
export function findSimilarName(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const similar = closest(name, known);
  return distance(name, similar) <= Math.max(2, name.length / 5) ? similar : undefined;
}

function joinPath({ path }: z.core.$ZodIssue): string {
  return path.map(String).join('.');
}

/** Describes unknown keys, each with the known one that is most similar. */
function describeKeys(
  { keys, path, message }: z.core.$ZodIssueUnrecognizedKeys,
  { what, names }: { what: string; names: readonly string[] },
): WrongValue[] {
  const unknown = keys.map((key) => hideUrl([...path, key].map(String).join('.')));
  // What a schema says about its own keys is about all of them.
  if (!message.startsWith('Unrecognized'))
    return [
      {
        found: `${what}: ${unknown.join(', ')} ${keys.length === 1 ? 'is not a known key' : 'are not known keys'}`,
        expected: message,
      },
    ];
  return unknown.map((key) => {
    const similar = findSimilarName(key, names);
    return {
      found: `${what}: ${key} is not a known key`,
      expected:
        similar === undefined ? 'check its spelling in docs/params.md' : `did you mean ${similar}?`,
    };
  });
}

function describe(
  issue: z.core.$ZodIssue,
  value: unknown,
  { what, orNull }: { what: string; orNull: string },
): WrongValue {
  const path = hideUrl(joinPath(issue));
  if (issue.code === 'invalid_key')
    return { found: `${what}: ${path} has a wrong name`, expected: issue.message };
  const found = issue.path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
  const shown =
    found === undefined
      ? 'is missing'
      : issue.message === SECRET_NAME
        ? 'is not a name'
        : showValue(toText(found));
  return {
    found: `${what}: ${path === '' ? 'the document' : path} ${shown}`,
    expected: `${lowerFirst(issue.message)}${orNull}`,
  };
}

/** Says what a value is, unless it may hold a password. */
export function showValue(text: string): string {
  return mayHoldPassword(text)
    ? 'has an "@", so it may hold a password and is not shown'
    : `is ${shorten(text)}`;
}

/** A key is shown, unless it is a URL in the wrong place. */
function hideUrl(key: string): string {
  return key.includes('://') && mayHoldPassword(key) ? 'a URL' : key;
}

/** A value as JSON; Infinity and NaN by their names, because JSON cannot write them. */
function toText(value: unknown): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/**
 * Merges `over` into `base` and changes neither: objects merge key by key, any other value replaces. If `over`
 * names another type of model than `base`, the hyperparameters in `base` are dropped.
 */
export function mergeParams(base: unknown, over: unknown): unknown {
  const [under, upper] = [findModel(base), findModel(over)];
  const isOtherType =
    under !== undefined && upper?.['type'] !== undefined && upper['type'] !== modelTypeOf(under);
  if (!isOtherType) return merge(base, over);
  const { task } = under;
  return merge({ ...(base as object), model: task === undefined ? {} : { task } }, over);
}

function findModel(params: unknown): Record<string, unknown> | undefined {
  const model = isObject(params) ? params['model'] : undefined;
  return isObject(model) ? model : undefined;
}

function merge(base: unknown, over: unknown): unknown {
  if (!isObject(base) || !isObject(over)) return over === undefined ? base : over;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(merged[key], value);
  return merged;
}
