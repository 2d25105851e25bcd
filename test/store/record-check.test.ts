import { describe, expect, it } from 'vitest';
import { readSoundRecord, recordFaults } from '../../store/record-check.ts';
import { storeIn } from '../../store/index.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { buildRecord, file } from '../client/records.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

/** The record of version 2 with another path for an output, as its author published it. */
function withOutputAt(path: string, stage = 'train', output = 'model'): VersionRecord {
  const { record } = buildRecord(2);
  const found = record.stages.find((one) => one.stage === stage) ?? record.stages[0]!;
  const other = { ...found, stage, outputs: { ...found.outputs, [output]: file(path) } };
  return { ...record, stages: [...record.stages.filter((one) => one !== found), other] };
}

describe('a record that names a path which the stage graph does not give', () => {
  it.each([
    'client/node_modules/picocolors/index.js',
    'x/.git/hooks/post-checkout',
    '.retrain/checkout.json',
    'client.ts',
    'package.json',
    'models/batch_1/model.json',
    'models/batch_2/other.json',
    'models/batch_2/model.json/x',
    'data/processed/encoder.json',
  ])('is not checked out, although its hash is right: %s', async (path) => {
    const { schema: _, seq: __, ...draft } = withOutputAt(path);
    const store = storeIn(new MemoryBucket());
    await store.records.publish(draft);
    await expect(readSoundRecord(store, 'iris', 2)).rejects.toThrow(
      `(it names ${JSON.stringify(path)}, which is no path of model of train): restore it from a backup`,
    );
  });

  it.each([
    ['get_data', 'raw', 'data/raw/.bashrc'],
    ['get_data', 'raw', 'data/raw/node_modules'],
    ['get_data', 'raw', 'data/raw/a/b.csv'],
    ['get_data', 'raw', 'metrics/batch_2.json'],
    ['train', 'script', 'models/batch_2/model.json'],
    ['train', 'constructor', 'models/batch_2/model.json'],
    ['compile', 'program', 'models/batch_2/model.json'],
  ])('is at fault: %s %s at %s', (stage, output, path) => {
    expect(recordFaults(withOutputAt(path, stage, output), 'iris', 2).join()).toContain(
      JSON.stringify(path),
    );
  });

  it.each(['data/raw/iris.csv', 'data/raw/after_batch_000002/iris.csv', 'data/raw/files/'])(
    'is without fault where raw data can be: %s',
    (path) => expect(recordFaults(withOutputAt(path, 'get_data', 'raw'), 'iris', 2)).toEqual([]),
  );
});
