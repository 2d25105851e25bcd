import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ResultDocument } from '../../client/result.ts';
import { result } from '../../contract/messages.ts';
import { withProject } from '../support/with-project.ts';

/** What Temporal's Web UI and its command line show of runs, whichever client started them. */

let first: ResultDocument;

const project = withProject('story');
const { temporal } = project;

/** The stock command line, on the project's namespace. */
async function cli(...args: string[]): Promise<string> {
  const program = join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin', 'temporal');
  const env = { ...project.env, TEMPORAL_CONFIG_FILE: '/nonexistent' };
  return (await promisify(execFile)(program, args, { env, maxBuffer: 1 << 26 })).stdout;
}

async function currentDetails(workflowId: string): Promise<string> {
  const handle = temporal.workflow.getHandle(workflowId);
  return (await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata'))
    .currentDetails;
}

describe('a namespace without our search attributes', () => {
  it('runs all the same', async () => {
    first = await project.runJson('1');
    const { searchAttributes } = await temporal.workflow.getHandle('iris-batch-1').describe();
    expect(Object.keys(searchAttributes).filter((name) => name.startsWith('Retrain'))).toEqual([]);
  });

  it('gets them by a command that may be repeated', async () => {
    const registered = await project.client('search-attributes', 'register', '--json');
    expect(registered.code).toBe(0);
    expect((JSON.parse(registered.stdout) as { added: string[] }).added).toEqual([
      'RetrainPipeline',
      'RetrainBatch',
      'RetrainModelVersion',
      'RetrainAccuracy',
      'RetrainOutcome',
    ]);
    const again = await project.client('search-attributes', 'register');
    expect(again.stdout).toMatch(/has them all/);
  });
});

describe('a namespace with them', () => {
  it('finds runs by batch, accuracy, model version and outcome', async () => {
    await project.workers[0]!.stop();
    await project.startWorker();
    const second = await project.runJson('2');
    await project.runJson('1');
    // Our command line refuses this batch before it starts a run.
    const failing = await temporal.workflow.start('trainBatch', {
      workflowId: 'iris-batch-99',
      taskQueue: 'incremental-training',
      args: [{ batch: 99 }],
    });
    await failing.result().catch(() => undefined);
    const found = async (query: string): Promise<string[]> => {
      const ids = [];
      for await (const { workflowId } of temporal.workflow.list({ query })) ids.push(workflowId);
      return ids.sort();
    };
    const eventually = async (query: string, ids: string[]): Promise<void> => {
      await expect.poll(() => found(query), { timeout: 120_000 }).toEqual(ids);
    };
    await eventually('RetrainPipeline = "iris" AND RetrainOutcome = "failed"', ['iris-batch-99']);
    const accuracy = second.metrics!['accuracy'] as number;
    const { modelVersion } = second.mlflow!;
    await eventually(`RetrainBatch > 1 AND RetrainAccuracy < ${accuracy + 0.001}`, [
      'iris-batch-2',
    ]);
    await eventually(`RetrainBatch > 1 AND RetrainAccuracy < ${accuracy - 0.001}`, []);
    await eventually(`RetrainModelVersion = ${modelVersion}`, ['iris-batch-2']);
    await eventually('RetrainBatch = 1 AND RetrainOutcome = "cached"', ['iris-batch-1']);
  });

  it('shows what a run is for, and each activity in a line', async () => {
    const described = JSON.parse(
      await cli('workflow', 'describe', '-w', 'iris-batch-2', '-o', 'json'),
    ) as { executionConfig: { userMetadata: { summary: string; details: string } } };
    const { summary, details } = described.executionConfig.userMetadata;
    expect(JSON.stringify(summary)).toContain('iris · batch 2');
    expect(JSON.stringify(details)).toContain('the model retrained on batches 1–2');
    expect(JSON.stringify(details)).toContain(`s3://${project.env['RETRAIN_BUCKET']}`);
    const { events } = await temporal.workflow.getHandle('iris-batch-2').fetchHistory();
    const summaries = events!.flatMap(({ userMetadata }) =>
      userMetadata?.summary?.data == null
        ? []
        : [JSON.parse(Buffer.from(userMetadata.summary.data).toString('utf8')) as string],
    );
    expect(summaries).toEqual(
      expect.arrayContaining([
        'iris',
        'batches 1–2',
        expect.stringMatching(/^\d+ rows · depth 5$/),
        expect.stringMatching(/^\d+ test rows$/),
        'version 2',
      ]),
    );
  });

  it('keeps links in the memo', async () => {
    const { memo } = await temporal.workflow.getHandle('iris-batch-2').describe();
    expect(memo).toMatchObject({
      pipeline: 'iris',
      batch: 2,
      links: {
        artifacts: `s3://${project.env['RETRAIN_BUCKET']}`,
        run: expect.stringContaining('/#/experiments/'),
        model: expect.stringContaining(`/#/models/${project.model}`),
        record: expect.stringContaining('versions/iris/000002/'),
      },
    });
  });

  it('tells how it ended in its details and by the query `result`', async () => {
    const details = await currentDetails('iris-batch-1');
    expect(details).toContain('version 1, build 1, is published');
    expect(details).toContain(
      `accuracy\u00a0 | \u00a0${(first.metrics!['accuracy'] as number).toFixed(4)}\u00a0 |`,
    );
    expect(details).toContain(`[MLflow run](${first.mlflow!.url})`);
    expect(await currentDetails('iris-batch-99')).toContain(
      'failed in prepare\\_batch: batch 99 does not exist',
    );
    const ask = (id: string) => temporal.workflow.getHandle(id).query(result);
    expect(await ask('iris-batch-1')).toMatchObject({ outcome: 'cached', run: { batch: 1 } });
    expect(await ask('iris-batch-99')).toMatchObject({
      outcome: 'failed',
      error: { type: 'MissingHistory', stage: 'prepare_batch' },
    });
  });

  it('tells the same of a run that another client started', async () => {
    await temporal.workflow.execute('trainBatch', {
      workflowId: 'by hand',
      taskQueue: 'incremental-training',
      args: [{ batch: 3, until: 'preprocess' }],
    });
    const details = await currentDetails('by hand');
    expect(details).toContain('iris · batch 3');
    expect(details).toContain('stopped after preprocess, as asked');
    expect(details).toMatch(
      /\|\s+preprocess\s+\|\s+✔ done\s+\|\s+[\d.]+ m?s\s+\|\s+\d+ train rows · \d+ test rows\s+\|/,
    );
  });
});
