import { loadFrom } from './load-model.ts';
import { openStore } from '../store/index.ts';

/** The bucket of the artifacts. Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or as in AWS's SDK. */
export interface StorageLocation {
  /** For example `http://localhost:8333`; if absent, AWS. */
  readonly endpoint?: string;
  readonly region: string;
  readonly bucket: string;
}

/** A raw row: values by the names of the data's columns, as text, or as JSON and Parquet have them. */
export type Row = Readonly<Record<string, unknown>>;

/** A label in the type that pandas gives a column of such labels, or the number that a regression predicts. */
export type Prediction = string | number | boolean | bigint;

/** A stored model that predicts from raw rows. */
export interface Model {
  readonly pipeline: string;
  readonly version: number;
  /** The number of the build of that version, from 1. */
  readonly build: number;
  /** The classes in the order of probabilities; undefined for a regression. */
  readonly classes: readonly Prediction[] | undefined;
  /** The columns that the model reads. */
  readonly columns: readonly {
    readonly name: string;
    readonly type: 'number' | 'category' | 'date';
  }[];
  /**
   * Predicts each row.
   * @throws BadParams at the first row that lacks a column or has a value that its column cannot hold
   */
  predict(rows: readonly Row[]): Prediction[];
  /**
   * Predicts the probability of each class, in the order of `classes`, for each row.
   * @throws BadParams like `predict`, and for a regression
   */
  predictProba(rows: readonly Row[]): (readonly number[])[];
}

/**
 * Loads a model of a pipeline from the bucket. No other server is asked.
 * @param from.model `latest`, `champion`, a version such as 3, or a build of one such as `3.1`
 * @throws BadParams when `model` is none of these; MissingHistory when there is no such version; DamagedArtifact
 *   when its bytes are not those that were stored
 */
export async function loadModel(from: {
  storage: StorageLocation;
  pipeline: string;
  model?: string | number;
}): Promise<Model> {
  const store = openStore(from.storage, { pipeline: from.pipeline });
  try {
    const model = await loadFrom(store, from.pipeline, from.model ?? 'latest');
    const { pipeline, version, seq: build, predictor } = model;
    const { classes, columns } = predictor;
    return {
      pipeline,
      version,
      build,
      classes,
      columns,
      predict: (rows) => model.predict(rows),
      predictProba: (rows) => model.predictProba(rows),
    };
  } finally {
    store.bucket.close();
  }
}
