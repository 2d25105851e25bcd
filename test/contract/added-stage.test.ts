import { tmpdir } from 'node:os';
import { expect, it, vi } from 'vitest';
import { readVersion, makeDvcStages } from '../../client/commands/dvc/stages.ts';
import { listWantedFiles } from '../../client/commands/checkout/plan.ts';
import { drawText } from '../../client/commands/lineage/drawings.ts';
import { readLineage } from '../../client/commands/lineage/graph.ts';
import { planRun } from '../../client/commands/why/plan.ts';
import type { StageEntry } from '../../contract/stages.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import { limitsFromEnv } from '../../sources/source.ts';
import { storeIn } from '../../store/index.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { buildRecord, file } from '../client/records.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

/** One more stage, which is an entry in the graph and nothing else. */
const { explain } = vi.hoisted(() => ({
  explain: {
    kind: 'explanation',
    label: () => ['the model'],
    inputs: {
      model: { stage: 'train', output: 'model' },
      metrics: { stage: 'evaluate', output: 'metrics' },
    },
    outputs: { explanation: (batch) => `explanations/batch_${batch}.json` },
    facts: {},
    params: () => ({}),
    code: 1,
    libraries: [],
    perBatch: true,
    takes: [],
    gives: [],
  } satisfies StageEntry,
}));

vi.mock('../../contract/stages.ts', async (load) => {
  const graph = await load<typeof import('../../contract/stages.ts')>();
  Object.assign(graph.STAGES, { explain });
  graph.STAGE_NAMES.push('explain' as never);
  return graph;
});

/** A version whose last stage is the new one. */
function buildExplained(): { record: VersionRecord; store: ReturnType<typeof storeIn> } {
  const { record, batches } = buildRecord(2);
  const [train, evaluate] = ['train', 'evaluate'].map((name) =>
    record.stages.find(({ stage }) => stage === name)!,
  );
  record.stages.push({
    ...evaluate!,
    stage: 'explain',
    inputs: { model: train!.outputs['model']!, metrics: evaluate!.outputs['metrics']! },
    outputs: { explanation: file('explanations/batch_2.json') },
  });
  const store = storeIn(new MemoryBucket());
  vi.spyOn(store.artifacts, 'list').mockResolvedValue(batches);
  return { record, store };
}

it('a stage that is added to the graph is drawn by lineage, and what it was made from', async () => {
  const { record, store } = buildExplained();
  const lineage = await readLineage(store, record);
  const made = lineage.edges.filter(({ stage }) => stage === 'explain');
  expect(made.map(({ from }) => from.split('@')[0])).toEqual([
    'models/batch_2/model.json',
    'metrics/batch_2.json',
  ]);
  expect(drawText(lineage)).toContain('└─ explanation');
});

it('a stage that is added to the graph is a stage of the DVC export with its dependencies', async () => {
  const { record, store } = buildExplained();
  const stage = makeDvcStages(await readVersion(store.artifacts, record)).at(-1);
  expect(stage).toMatchObject({
    name: 'explain',
    command: 'npx --no-install retrain stage explain 2',
    deps: [{ path: 'models/batch_2/model.json' }, { path: 'metrics/batch_2.json' }],
    outs: [{ path: 'explanations/batch_2.json' }],
  });
});

it('a stage that is added to the graph leaves outputs that checkout writes', async () => {
  const { record, store } = buildExplained();
  const wanted = await listWantedFiles(store.artifacts, record);
  expect([...wanted.keys()]).toContain('explanations/batch_2.json');
});

it('a stage that is added to the graph is planned by why after the stages that it reads', async () => {
  const plans = await planRun(storeIn(new MemoryBucket()).cache, {
    batch: 1,
    params: paramsSchema.parse({}),
    ledger: undefined,
    last: undefined,
    champion: { inputs: {}, detail: { champion: null } },
    sources: {
      s3: { region: 'us-east-1', bucket: 'unused' },
      limits: limitsFromEnv({}),
    },
    scratch: tmpdir(),
  });
  expect(plans.map(({ stage }) => stage as string).slice(-2)).toEqual(['gate', 'explain']);
  expect(plans.at(-1)).toMatchObject({ state: 'run', because: [{ kind: 'new' }] });
});
