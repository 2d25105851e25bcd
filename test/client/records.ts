import { withPath, type Ref } from '../../contract/ref.ts';
import { encodeDirectory } from '../../store/manifest.ts';
import { hashOf, refOf } from '../../store/hash.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { draftRecord, makeEntry, stageOf } from '../store/made-records.ts';

/** A file that holds its own path. */
export const file = (path: string): Ref => refOf(path, Buffer.from(path));

export interface Built {
  record: VersionRecord;
  /** Of the merged data. */
  batches: Ref[];
}

/** A record of version N as the stages before the gate would leave it. */
export function buildRecord(version: number, raw: Ref = file('data/raw/iris.csv')): Built {
  const columns = file('data/raw/columns.json');
  const batches = Array.from({ length: version }, (_, i) =>
    withPath(`batch_${String(i + 1).padStart(6, '0')}.csv`, file(`batch ${i + 1}`)),
  );
  const merged = encodeDirectory('data/merged/', batches).ref;
  const train = encodeDirectory('data/processed/train/', [file('part_000001.arrow')]).ref;
  const test = encodeDirectory('data/processed/test/', [file('part_000001.test')]).ref;
  const encoder = file('data/processed/encoder.json');
  const model = file(`models/batch_${version}/model.json`);
  const batch = withPath(`data/batches/${batches.at(-1)!.path}`, batches.at(-1)!);
  const made: [stage: string, Record<string, Ref>, Record<string, Ref>][] = [
    ['get_data', { source: raw }, { raw, columns }],
    ['prepare_batch', { raw, columns }, { batch }],
    ['merge_data', { batches: withPath('data/batches/', merged) }, { merged }],
    ['preprocess', { merged, columns }, { train, test, encoder }],
    ['train', { train, encoder }, { model }],
    ['evaluate', { model, encoder, test }, { metrics: file(`metrics/batch_${version}.json`) }],
  ];
  const params = { data: {}, model: { max_depth: 5 } };
  const draft = draftRecord({
    pipeline: 'iris',
    version,
    build: 'b',
    ledger_revision: version + 1,
    params,
    params_hash: hashOf(params),
    stages: made.map(([stage, inputs, outputs]) =>
      stageOf(makeEntry(stage, stage === 'get_data' ? null : version, outputs, { inputs })),
    ),
    metrics: {},
  });
  const record: VersionRecord = { ...draft, schema: 3, seq: 1 };
  return { record, batches };
}
