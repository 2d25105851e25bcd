import { expect, it, vi } from 'vitest';
import { makeDvcStages, readVersion } from '../../../client/commands/dvc/stages.ts';
import { readLineage } from '../../../client/commands/lineage/graph.ts';
import { findStage } from '../../../contract/stages.ts';
import { storeIn } from '../../../store/index.ts';
import { MemoryBucket } from '../../support/memory-bucket.ts';
import { buildRecord, file } from '../records.ts';

/** A version whose gate has compared it with a champion that was trained on the same rows. */
function buildDecided() {
  const { record, batches } = buildRecord(2);
  const evaluate = findStage(record.stages, 'evaluate')!;
  const train = findStage(record.stages, 'train')!.inputs.train!;
  const { model, encoder, test } = evaluate.inputs;
  record.stages.push({
    ...record.stages.at(-1)!,
    stage: 'gate',
    inputs: {
      model: model!,
      encoder: encoder!,
      train,
      test: test!,
      metrics: evaluate.outputs.metrics!,
      championModel: file('models/batch_1/model.json'),
      championEncoder: encoder!,
      championTrain: train,
    },
    outputs: { decision: file('decisions/batch_2.json') },
  });
  const store = storeIn(new MemoryBucket());
  vi.spyOn(store.artifacts, 'list').mockResolvedValue(batches);
  return { record, store };
}

it('the lineage of a version has its decision, and no artifact of the champion', async () => {
  const { record, store } = buildDecided();
  const { nodes, edges } = await readLineage(store, record);
  expect(nodes.find(({ path }) => path === 'decisions/batch_2.json')).toMatchObject({
    kind: 'decision',
  });
  expect(nodes.map(({ path }) => path)).not.toContain('models/batch_1/model.json');
  const from = edges
    .filter(({ stage }) => stage === 'gate')
    .map(({ from: id }) => id.split('@')[0]!);
  expect(from.sort()).toEqual([
    'data/processed/encoder.json',
    'data/processed/test/',
    'data/processed/train/',
    'metrics/batch_2.json',
    'models/batch_2/model.json',
  ]);
});

it('the DVC export names each dependency of the decision once, and none of the champion', async () => {
  const { record, store } = buildDecided();
  const stage = makeDvcStages(await readVersion(store.artifacts, record)).at(-1)!;
  expect(stage).toMatchObject({ name: 'gate', command: 'npx --no-install retrain stage gate 2' });
  const deps = (stage as { deps: { path: string }[] }).deps.map(({ path }) => path).sort();
  expect(deps).toEqual([
    'data/processed/encoder.json',
    'data/processed/test',
    'data/processed/train',
    'metrics/batch_2.json',
    'models/batch_2/model.json',
  ]);
});
