import { z } from 'zod';

const columnType = z.enum(['number', 'category', 'ignore']);

/**
 * What shapes a result, with defaults beside each field. Pinned into every run's history and hashed
 * into the cache keys of the stages that read it. A new field needs a default.
 */
export const paramsSchema = z.strictObject({
  data: z
    .strictObject({
      /** `iris`, or the path of a CSV file. */
      source: z.string().min(1).default('iris'),
      /** Name of the column to predict. */
      target: z.string().min(1).default('species'),
      /** Rows per batch. */
      batch_size: z.int().min(1).max(10_000_000).default(50),
      /** Seed of the one-time permutation of a closed source; null keeps the file's order. */
      shuffle_seed: z.int().min(0).max(4_294_967_295).nullable().default(42),
      /** Declared column types; the others are inferred over all rows. */
      columns: z.record(z.string(), columnType).default({}),
      /** Cells that mean "not known", compared after trimming. */
      missing_values: z.array(z.string()).default(['', 'NA', 'N/A', 'NaN', 'null', '?']),
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
      max_depth: z.int().min(1).max(1000).default(5),
      /** A node with fewer rows becomes a leaf. */
      min_samples_split: z.int().min(2).default(2),
      /** A split must lower the Gini impurity by more than this. */
      min_gain: z.number().min(0).max(1).default(0),
    })
    .prefault({}),
});

export type Params = z.infer<typeof paramsSchema>;
export type ColumnDeclaration = z.infer<typeof columnType>;
