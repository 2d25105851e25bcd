import { encodeDirectory } from '../../../../store/manifest.ts';
import { refOf } from '../../../../store/hash.ts';
import type { VersionRecord } from '../../../../store/version-record.ts';
import { withPath, type Ref } from '../../../../contract/ref.ts';

const file = (path: string): Ref => refOf(path, Buffer.from(path));

const raw = file('data/raw/iris.csv');
const columns = file('data/raw/columns.json');
const batches = ['batch_000001.csv', 'batch_000002.csv'].map(file);
const merged = encodeDirectory('data/merged/', batches).ref;

/** What the directories of the version hold. */
export const manifests = { list: async (): Promise<Ref[]> => batches };

/** Version 2 of iris up to merge_data. */
export const record = {
  pipeline: 'iris',
  version: 2,
  seq: 1,
  params: {
    data: { batch_size: 50, columns: {}, missing_values: ['', "it's", '${x}'], target: 'species' },
    model: { max_depth: 5 },
  },
  metrics: { schema: 1, batch: 2, accuracy: 0.9 },
  stages: [
    {
      stage: 'get_data',
      inputs: { source: raw },
      outputs: { raw, columns },
      params: { target: 'species', columns: {} },
    },
    {
      stage: 'prepare_batch',
      inputs: { raw, columns },
      outputs: { batch: withPath('data/batches/batch_000002.csv', batches[1]!) },
      params: { batch_size: 50 },
    },
    {
      stage: 'merge_data',
      inputs: { batches: encodeDirectory('data/batches/', batches).ref },
      outputs: { merged },
      params: { model: { max_depth: 5 } },
    },
  ],
} as unknown as VersionRecord;
