import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunSummary } from '../../contract/train-batch.ts';
import { StorageUnavailable } from '../../contract/failures.ts';
import { openStore } from '../../store/index.ts';
import { unique } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';
import { openProxy, TOXICS, type Toxic } from '../support/proxy.ts';

/** Whole runs over connections that go wrong, to the S3 server and to MLflow at once. */

/** Names in MLflow's registry are everybody's. */
const id = unique('proxy');

let calm: RunSummary;

const s3 = await openProxy(process.env['AWS_ENDPOINT_URL_S3']!);
const mlflow = await openProxy(process.env['MLFLOW_TRACKING_URI']!);
afterAll(() => [s3, mlflow].forEach((proxy) => proxy.close()));

const project = withProject('proxy', {
  env: {
    AWS_ENDPOINT_URL_S3: s3.uri,
    MLFLOW_TRACKING_URI: mlflow.uri,
    RETRAIN_S3_IDLE_MS: '1000',
  },
});
const { temporal: client } = project;

beforeAll(async () => {
  calm = await run(unique('calm'));
});
afterAll(() => [s3, mlflow].forEach((proxy) => proxy.poison(undefined)));

/** Every run is forced, so that it makes everything over the bad connection. */
async function run(pipeline: string): Promise<RunSummary> {
  return client.workflow.execute('trainBatch', {
    workflowId: `${pipeline}-batch-2`,
    taskQueue: 'incremental-training',
    args: [{ batch: 2, pipeline, force: true }],
  }) as Promise<RunSummary>;
}

describe('a run over a bad connection comes out as one over a good one', () => {
  it.each(Object.keys(TOXICS) as Toxic[])('with %s', async (toxic) => {
    const before = s3.harmed() + mlflow.harmed();
    // Not for ever: a stage asks more than seven times, and would never get through.
    s3.poison(toxic, 7, 4);
    mlflow.poison(toxic, 5, toxic === 'stall' ? 1 : 3); // each is waited out for ten seconds
    const pipeline = `${toxic}-${id}`;
    const summary = await run(pipeline);
    for (const proxy of [s3, mlflow]) proxy.poison(undefined);
    expect(s3.harmed() + mlflow.harmed()).toBeGreaterThan(before);
    expect(summary.version!.metrics).toEqual(calm.version!.metrics);
    const keys = ({ stages }: RunSummary): unknown => stages.map(({ stage, key }) => [stage, key]);
    expect(keys(summary)).toEqual(keys(calm));
    const verified = await project.client('verify', '2', '--pipeline', pipeline, '--json');
    expect(JSON.parse(verified.stdout)).toMatchObject({ problems: [] });
    expect(await mlflowCounts(pipeline)).toEqual({ runs: 1, versions: 1 });
  });

  it('a read that stops halfway is given up in time, and can be tried again', async () => {
    const { accessKeyId, secretAccessKey } = {
      accessKeyId: process.env['AWS_ACCESS_KEY_ID']!,
      secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY']!,
    };
    const store = openStore({
      endpoint: s3.uri,
      region: 'us-east-1',
      bucket: project.env['RETRAIN_BUCKET']!,
      credentials: { accessKeyId, secretAccessKey },
      idleMs: 300,
    });
    const ref = await store.artifacts.put('whole', new Uint8Array(200_000).fill(7));
    const key = `files/md5/${ref.md5.slice(0, 2)}/${ref.md5.slice(2)}`;
    s3.poison('stall');
    await expect(store.bucket.get(key)).rejects.toThrow(StorageUnavailable);
    const opened = await store.bucket.open(key);
    const drain = async (): Promise<number> => {
      let size = 0;
      for await (const chunk of opened!.chunks) size += chunk.byteLength;
      return size;
    };
    await expect(drain()).rejects.toThrow(/stopped answering/);
    s3.poison(undefined);
    expect((await store.artifacts.get(ref)).byteLength).toBe(200_000);
    store.bucket.close();
  });
});

async function mlflowCounts(pipeline: string): Promise<{ runs: number; versions: number }> {
  const ask = async (path: string): Promise<Record<string, unknown[]>> => {
    const answer = await fetch(`${process.env['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/${path}`);
    return (await answer.json()) as Record<string, unknown[]>;
  };
  const filter = encodeURIComponent(`name='${pipeline}'`);
  const { model_versions: versions = [] } = await ask(`model-versions/search?filter=${filter}`);
  const runs = new Set((versions as { run_id: string }[]).map(({ run_id }) => run_id));
  return { runs: runs.size, versions: versions.length };
}
