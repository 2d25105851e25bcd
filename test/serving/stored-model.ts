import { paramsShape } from '../../contract/params.ts';
import type { Column } from '../../pipeline/batches/columns.ts';
import { CsvReader } from '../../pipeline/csv/reader.ts';
import { formatRow } from '../../pipeline/csv/write.ts';
import { encodeBatch } from '../../pipeline/features/encode.ts';
import { encoderToJson, fitEncoder } from '../../pipeline/features/encoder.ts';
import { applyEncoder } from '../../pipeline/features/matrix.ts';
import { estimatorOf } from '../../pipeline/models/estimators.ts';
import type { Store } from '../../store/index.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { draftRecord, makeEntry, stageOf } from '../store/made-records.ts';

/** Two numbers, a word and a date, from which the last column is learned. */
export const HEADER = ['size', 'weight', 'color', 'day', 'kind'];

const types: Record<string, Column['type']> = {
  size: 'number',
  weight: 'number',
  color: 'category',
  day: 'date',
};

export const LABELS = ['small', 'large'] as const;

/** Rows from which `size` below 5 is the first label, and from 5 on the second. */
export function makeRows(labels: readonly string[] = LABELS): string[][] {
  return Array.from({ length: 40 }, (_, i) => [
    String(i % 10),
    String((i * 7) % 5),
    i % 3 === 0 ? 'red' : 'käse',
    `2024-01-${String(1 + (i % 28)).padStart(2, '0')}`,
    labels[i % 10 < 5 ? 0 : 1]!,
  ]);
}

/** How the data of a made version is. */
interface Made {
  labels?: readonly string[];
  task?: 'classification' | 'regression';
  delimiter?: string;
}

/** Trains a tree, and publishes it as a version of the pipeline `made` as a run does. */
export async function publishModel(
  store: Store,
  version: number,
  { labels, task = 'classification', delimiter = ',' }: Made = {},
): Promise<VersionRecord> {
  const params = paramsShape.parse({
    data: { target: 'kind', delimiter },
    model: { task, type: 'decision_tree' },
  });
  const columns = HEADER.map((name): Column => {
    const isLabel = task === 'regression' ? 'number' : 'category';
    return { name, type: types[name] ?? isLabel };
  });
  const csv = [HEADER, ...makeRows(labels)].map((row) => formatRow(row)).join('\n');
  const cells = { missing: ['', 'NA'] };
  const { train, counts } = encodeBatch(new CsvReader([Buffer.from(csv)], 'rows.csv'), columns, {
    target: 'kind',
    cells,
    testSize: 1e-12,
    key: null,
  });
  const { encoder } = fitEncoder(counts, columns, 'kind', { missing: 'impute' });
  const estimator = estimatorOf({ type: 'decision_tree' });
  const matrix = applyEncoder(encoder, train);
  const fitted = await estimator.fit(matrix, encoder, estimator.params(task).parse({}), {});
  const { artifacts, records } = store;
  const [encoderRef, modelRef] = await Promise.all([
    artifacts.put('data/processed/encoder.json', encoderToJson(encoder)),
    artifacts.put('models/model.json', Buffer.concat([...fitted.serialise()])),
  ]);
  const { record } = await records.publish(
    draftRecord({
      pipeline: 'made',
      version,
      build: `build-${version}-${JSON.stringify(labels)}`,
      params: { ...params },
      stages: [
        stageOf(makeEntry('preprocess', version, { encoder: encoderRef })),
        stageOf(makeEntry('train', version, { model: modelRef })),
      ],
    }),
  );
  return record;
}
