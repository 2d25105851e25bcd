import { BadParams } from '../contract/failures.ts';
import type { Params } from '../contract/params.ts';
import { makeNoVersionError } from '../contract/versions.ts';
import { readCellSettings } from '../pipeline/csv/cells.ts';
import {
  Predictor,
  type PredictorParts,
  type RowPredictions,
} from '../pipeline/predictions/predictor.ts';
import { blockOf, describeUnreadable } from '../pipeline/predictions/raw-block.ts';
import type { Label } from '../pipeline/features/label-type.ts';
import type { Store } from '../store/index.ts';
import { outputOf, readParams, requireKept } from '../store/record-check.ts';
import type { VersionRecord } from '../store/version-record.ts';

/** A model of a pipeline: `latest`, `champion`, a version (`3`), or a build of one (`3.1`). */
export type ModelName = string | number;

/** A raw row: values by the names of the data's columns, as text, or as JSON and Parquet have them. */
export type RawRow = Readonly<Record<string, unknown>>;

/** A model of the store, ready to predict from raw rows. */
export interface LoadedModel {
  readonly pipeline: string;
  readonly version: number;
  /** The number of the build of that version, from 1. */
  readonly seq: number;
  readonly predictor: Predictor;
  /** Between the cells of the pipeline's CSV. */
  readonly delimiter: string;
  /** Of the pipeline's CSV. */
  readonly encoding: Params['data']['encoding'];
  /**
   * Predicts the label or the number of each row.
   * @throws BadParams at the first row that lacks a column or has a cell that its column cannot hold
   */
  predict(rows: readonly RawRow[]): Label[];
  /**
   * Predicts the share of each class, in the order of `predictor.classes`, for each row.
   * @throws BadParams like `predict`, and for a regression
   */
  predictProba(rows: readonly RawRow[]): (readonly number[])[];
}

/**
 * Loads a model of a pipeline from a store that is open.
 * @throws MissingHistory when there is no such version; DamagedArtifact when its bytes are not those that were stored
 */
export async function loadFrom(
  store: Store,
  pipeline: string,
  name: ModelName,
): Promise<LoadedModel> {
  return loadRecord(store, await findRecord(store, pipeline, name));
}

/**
 * Loads the model of a record.
 * @throws DamagedArtifact when its bytes are not those that were stored
 */
export async function loadRecord(store: Store, record: VersionRecord): Promise<LoadedModel> {
  const { delimiter, encoding } = readParams(record).data;
  const predictor = new Predictor(await readParts(store, record));
  return {
    pipeline: record.pipeline,
    version: record.version,
    seq: record.seq,
    predictor,
    delimiter,
    encoding,
    predict: (rows) => predictAll(predictor, rows).predictions as Label[],
    predictProba: (rows) => {
      const { shares } = predictAll(predictor, rows);
      if (shares === undefined)
        throw new BadParams(
          'a regression has no probabilities: call predict instead of predictProba',
        );
      return shares as (readonly number[])[];
    },
  };
}

const NAME = /^([1-9]\d{0,5})(?:\.([1-9]\d{0,5}))?$/;

/** Whether a name means one build, such as 3.1, which never changes. */
export function isBuildName(name: ModelName): boolean {
  return NAME.exec(String(name))?.[2] !== undefined;
}

/**
 * Finds the record that a model's name means.
 * @throws BadParams when it is no name of a model; MissingHistory when there is no such version
 */
export async function findRecord(
  { champions, records }: Store,
  pipeline: string,
  name: ModelName,
): Promise<VersionRecord> {
  const text = String(name);
  if (text === 'champion')
    return records.readBuild({ pipeline, ...(await champions.readChampion(pipeline)) });
  if (text === 'latest') {
    const version = (await records.list(pipeline)).at(-1)?.version;
    if (version === undefined) throw makeNoVersionError(pipeline);
    return records.latest(pipeline, version);
  }
  const [, version, build] = NAME.exec(text) ?? [];
  if (version === undefined)
    throw new BadParams(
      `${JSON.stringify(text)} names no model: give latest, champion, a version such as 3, or a build such as 3.1`,
    );
  const seq = build === undefined ? undefined : Number(build);
  return records.readBuild({ pipeline, version: Number(version), seq });
}

/**
 * Reads the parts of the model of a record.
 * @throws DamagedArtifact when its bytes are not those that were stored
 */
export async function readParts(
  { artifacts, records }: Store,
  record: VersionRecord,
): Promise<PredictorParts> {
  await requireKept(records, record);
  const params = readParams(record);
  const encoder = outputOf(record, 'preprocess', 'encoder');
  const model = outputOf(record, 'train', 'model');
  const [encoderBytes, modelBytes] = await Promise.all([
    artifacts.get(encoder),
    artifacts.get(model),
  ]);
  return {
    type: params.model.type,
    model: { size: modelBytes.length, read: () => [modelBytes] },
    encoder: encoderBytes,
    cells: readCellSettings(params.data),
    rejectsUnseen: params.data.on_new_category === 'fail',
  };
}

function predictAll(predictor: Predictor, rows: readonly RawRow[]): RowPredictions {
  for (const [row, values] of rows.entries()) {
    const missing = predictor.columns.find(({ name }) => !Object.hasOwn(values, name));
    if (missing !== undefined)
      throw new BadParams(
        `row ${row + 1} lacks column ${JSON.stringify(missing.name)}: add it, or give null where it is not known`,
      );
  }
  const block = blockOf(
    rows.length,
    (row, column) => rows[row]![column],
    (row) => `row ${row + 1}`,
  );
  const predictions = predictor.predict(block.rows, block.read);
  const [first] = predictions.unreadable;
  if (first === undefined) return predictions;
  throw new BadParams(
    `${describeUnreadable(block, first)}: correct it, or give null where it is not known`,
  );
}
