import { once } from 'node:events';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, describe, expect, it } from 'vitest';
import type { RunSummary } from '../../contract/train-batch.ts';
import { openOddServer } from '../support/odd-server.ts';
import { unique } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';
import { openProxy } from '../support/proxy.ts';

/**
 * A run that is cancelled while a stage waits for a server ends without it: the server may be silent for an
 * hour here. The worker has a hand for one stage, which must be free again for the next run.
 */

let begin = (): void => undefined;
let leave = (_: unknown): void => undefined;
/** Resolves when the reader of the slow table has begun, and when it has gone. */
const read = {
  begun: new Promise<void>((resolve) => (begin = resolve)),
  gone: new Promise<unknown>((resolve) => (leave = resolve)),
};
const source = await openOddServer({
  '/slow.csv': (_, response) => {
    response.writeHead(200, { 'content-type': 'text/csv' }).write('a,b,label\n1,2,x\n');
    void once(response, 'close').then(leave);
    begin();
  },
});

const s3 = await openProxy(process.env['AWS_ENDPOINT_URL_S3']!);
afterAll(async () => {
  s3.close();
  await source.close();
});

const project = withProject('cancelled', {
  env: { AWS_ENDPOINT_URL_S3: s3.uri, RETRAIN_S3_IDLE_MS: '3600000' },
  workers: [['--max-activities', '1']],
  endBy: 'SIGKILL',
});
const { store, temporal } = project;

const start = (pipeline: string, params: object = {}): Promise<WorkflowHandle> =>
  temporal.workflow.start('trainBatch', {
    workflowId: `${pipeline}-batch-1`,
    taskQueue: 'incremental-training',
    // Forced: what one pipeline has made, another would only look up.
    args: [{ batch: 1, pipeline, params, publish: true, force: true }],
  });

async function cancelled(handle: WorkflowHandle): Promise<void> {
  await handle.cancel();
  await handle.result().catch(() => undefined);
  expect((await handle.describe()).status.name).toBe('CANCELLED');
}

/** The next run, whose stages are what they are anywhere, is whole. */
async function goesOn(pipeline: string): Promise<void> {
  const { version } = (await (await start(pipeline)).result()) as RunSummary;
  expect(version).toMatchObject({ version: 1, seq: 1 });
  const verified = await project.client('verify', '1', '--pipeline', pipeline, '--json');
  expect(JSON.parse(verified.stdout)).toMatchObject({ problems: [] });
}

describe('a run that is cancelled', () => {
  it('ends while its source sends no more, and closes the connection to the source', async () => {
    const pipeline = unique('source');
    const data = { source: source.url('/slow.csv'), target: 'label' };
    const handle = await start(pipeline, { data });
    await read.begun;
    await cancelled(handle);
    await read.gone;
    expect(await store.records.list(pipeline)).toEqual([]);
  });

  it.each([
    ['prepare_batch asks what is known', /GET .*\/cache\/prepare_batch\//],
    ['preprocess stores what it has encoded', /PUT .*\/cache\/encode_part\//],
    ['train reads what it learns from', /GET .*\/cache\/train\//],
    ['evaluate stores its scores', /PUT .*\/cache\/evaluate\//],
  ])('while %s ends, and gives up what it asked', async (words, request) => {
    const pipeline = unique(words.split(' ')[0]!);
    const held = s3.hold(request);
    const handle = await start(pipeline);
    await held.come;
    await cancelled(handle);
    await held.givenUp;
    expect(await store.records.list(pipeline)).toEqual([]);
    await goesOn(pipeline);
  });

  it('while its version is written is cancelled all the same, and the version whole', async () => {
    const pipeline = unique('publish');
    const held = s3.hold(/PUT .*\/versions\/.*\/000001\.json/);
    const handle = await start(pipeline);
    await held.come;
    await handle.cancel();
    await held.letGo();
    await handle.result().catch(() => undefined);
    const verified = await project.client('verify', '1', '--pipeline', pipeline, '--json');
    expect(JSON.parse(verified.stdout)).toMatchObject({ problems: [] });
    expect(await store.records.list(pipeline)).toHaveLength(1);
  });
});
