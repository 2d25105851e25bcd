import { z } from 'zod';
import { BadParams } from './failures.ts';

export const columnType = z.enum(['number', 'category', 'ignore']);

/** Cells that mean "not known" unless others are given. */
export const MISSING_VALUES: readonly string[] = ['', 'NA', 'N/A', 'NaN', 'null', '?'];

/**
 * What shapes a result, with defaults beside each field. Pinned into every run's history and hashed
 * into the cache keys of the stages that read it. A new field needs a default.
 */
export const paramsSchema = z.strictObject({
  data: z
    .strictObject({
      /** `iris`, a path (of a folder, ending in `/`), http(s)://, s3:// or dvc://. */
      source: z.string().min(1).default('iris'),
      /** Between two cells: one character. */
      delimiter: z
        .string()
        .regex(
          /^[\t!#$%&*,/:;<=>?@^_`|~]$/,
          'expected one of , ; | : a tab or another such character',
        )
        .default(','),
      /** How the source's text is encoded. */
      encoding: z.enum(['utf-8', 'latin1']).default('utf-8'),
      /** Name of the column to predict. */
      target: z.string().min(1).default('species'),
      /** Rows per batch. */
      batch_size: z.int().min(1).max(10_000_000).default(50),
      /** Seed of the one-time permutation of a closed source; null keeps the file's order. */
      shuffle_seed: z.int().min(0).max(4_294_967_295).nullable().default(42),
      /** Declared column types; the others are inferred over all rows. */
      columns: z.record(z.string(), columnType).default({}),
      /** Cells that mean "not known", compared after trimming. */
      missing_values: z.array(z.string()).default(() => [...MISSING_VALUES]),
      /** A later file has a column not known: it is refused, the column left out, or a feature from then on. */
      on_new_column: z.enum(['fail', 'ignore', 'adapt']).default('fail'),
      /** A later file lacks a known column: it is refused, or its rows have it missing: left out or written so. */
      on_missing_column: z.enum(['fail', 'ignore', 'adapt']).default('fail'),
      /** A later batch has a word or a label that the first one lacks: it is refused, left out, or learnt. */
      on_new_category: z.enum(['fail', 'ignore', 'adapt']).default('adapt'),
    })
    .prefault({}),
  split: z
    .strictObject({
      /** Share of rows held out for scoring, 0 < share < 1. */
      test_size: z.number().gt(0).lt(1).default(0.2),
      /** Columns whose equal rows stay on one side; null means all feature columns. */
      key: z.array(z.string().min(1)).min(1).nullable().default(null),
    })
    .prefault({}),
  preprocess: z
    .strictObject({
      /** `impute` fills in the median or the most frequent value of the train rows; `drop` leaves such rows out. */
      missing: z.enum(['impute', 'drop']).default('impute'),
    })
    .prefault({}),
  model: z
    .strictObject({
      /** What the target is: words, each a class, or numbers. Frozen once the first batch is cut. */
      task: z.enum(['classification', 'regression']).default('classification'),
      max_depth: z.int().min(1).max(1000).default(5),
      /** A node with fewer rows becomes a leaf. */
      min_samples_split: z.int().min(2).default(2),
      /** A split leaves at least this many rows on either side. */
      min_samples_leaf: z.int().min(1).default(1),
      /** A split must lower the impurity of its node by more than this: Gini's, or the variance of numbers. */
      min_gain: z.number().min(0).default(0),
    })
    .refine(({ task, min_gain }) => task === 'regression' || min_gain <= 1, {
      path: ['min_gain'],
      error: 'expected at most 1, as no impurity of classes is greater',
    })
    .prefault({}),
});

export type Params = z.infer<typeof paramsSchema>;

/** What a model predicts: one of some classes, or a number. */
export type Task = Params['model']['task'];

/** The task of a run; one pinned before there were two has none. */
export function taskOf({ model }: { readonly model: { readonly task?: Task } }): Task {
  return model.task ?? 'classification';
}

/** A pipeline's name stands in keys, workflow ids and MLflow's registry: letters, digits, `_` and `-`. */
export const pipelineName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
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
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new BadParams(parsed.error.issues.map((issue) => describe(issue, value, what)).join('; '));
}

/**
 * The params of a run: what is asked laid on those of params.yaml.
 * @throws BadParams for params that no run can have
 */
export function paramsOf(base: unknown, asked: unknown): Params {
  return parseParams(paramsSchema, mergeParams(base, asked), 'params');
}

function describe(issue: z.core.$ZodIssue, value: unknown, what: string): string {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.map((key) => (path === '' ? key : `${path}.${key}`)).join(', ');
    return `${what}: ${keys} is not a known key: check its spelling in the README's table of params`;
  }
  const found = issue.path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
  const shown = found === undefined ? 'is missing' : `is ${shorten(asText(found))}`;
  return `${what}: ${path === '' ? 'the document' : path} ${shown}: ${lowerFirst(issue.message)}`;
}

/** Infinity and NaN, which YAML has and JSON has not, by their names. */
function asText(value: unknown): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** `over` laid on `base`: objects merge key by key, anything else replaces. Neither is changed. */
export function mergeParams(base: unknown, over: unknown): unknown {
  if (!isObject(base) || !isObject(over)) return over === undefined ? base : over;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) merged[key] = mergeParams(merged[key], value);
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
