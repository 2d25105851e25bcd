import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { objectKey } from '../../store/hash.ts';
import { makeProject, startWorker } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';

/** Every way to get it wrong gives one clear sentence, a failing exit code, and loses nothing stored. */

interface FailureDocument {
  status: string;
  error: { type: string; message: string; stage: string | null };
}

const project = withProject('bad');
const { store, temporal } = project;

/** Puts bytes under a key as a failing disk would: same size, and no checksum that tells. */
async function spoil(Key: string, Body: Uint8Array): Promise<void> {
  const { endpoint, region, bucket } = store.bucket.location;
  const client = new S3Client({
    endpoint: endpoint!,
    region,
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
  client.destroy();
}

async function failing(
  ...args: string[]
): Promise<FailureDocument['error'] & { code: number | null }> {
  const { code, stdout, stderr } = await project.client(...args, '--json');
  const document = JSON.parse(stdout) as FailureDocument;
  expect(document.status).toBe('failed');
  expect(code).not.toBe(0);
  expect(stderr).toContain(document.error.message);
  expect(stderr).not.toMatch(/^\s+at /m); // no stack trace on a person's terminal
  return { ...document.error, code };
}

describe('a wrong batch number', () => {
  it.each(['0', '-1', '1.5', 'x', '1e2', ''])('%j is a usage error', async (batch) => {
    const { code, stdout, stderr } = await project.client('run', batch);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/whole number|unknown option/);
  });

  it('past the end says how many there are', async () => {
    const { message, type } = await failing('run', '99');
    expect(message).toBe(
      'batch 99 does not exist: the source has 150 rows, which make 3 batches of 50',
    );
    expect(type).toBe('MissingHistory');
    // The client saw it, so that no failed workflow is left.
    const described = temporal.workflow.getHandle('iris-batch-99').describe();
    await expect(described).rejects.toThrow(/not found/);
  });
});

describe('wrong params', () => {
  it.each([
    ['model.max_depth=deep', 'model.max_depth is "deep"'],
    ['model.max_depth=0', 'model.max_depth is 0'],
    ['model.depth=4', 'model.depth is not a known key'],
    ['split.test_size=1.5', 'split.test_size is 1.5'],
    ['mlflow.tracking_uri=http://x', 'change it in params.yaml'],
    ['max_depth=4', 'expected key=value'],
  ])('--set %s names the key, the value and what is allowed', async (set, sentence) => {
    const { code, stderr } = await project.client('run', '1', '--set', set);
    expect(stderr).toContain(sentence);
    expect(code).toBe(2);
  });

  it('from another client fails the workflow at once, not after retries', async () => {
    const started = temporal.workflow.execute('trainBatch', {
      workflowId: 'by-hand',
      taskQueue: 'incremental-training',
      args: [{ batch: 'two', params: {} }],
    });
    await expect(started).rejects.toMatchObject({
      cause: { type: 'BadParams', message: expect.stringContaining('batch is "two"') },
    });
  });
});

describe('wrong data', () => {
  const good = 'a,b,label\n1,x,yes\n2,y,no\n3,x,yes\n4,y,no\n5,x,yes\n6,y,no\n';
  it.each([
    ['empty', '', /is empty/],
    ['header only', 'a,b,label\n', /has a header but no rows|no rows/],
    ['no target', 'a,b,c\n1,2,3\n', /no column "label" to predict, only "a", "b", "c"/],
    ['ragged', `${good}7,x\n`, /line 8/],
    ['not text', Buffer.from([0xff, 0xfe, 0x00, 0x61]), /UTF-/],
  ])(
    'of a file (%s) is refused, and the sentence names the file',
    async (name, content, sentence) => {
      project.write(`${name}.csv`, content);
      const { message, type } = await failing(
        'run',
        '1',
        '--pipeline',
        'data',
        '--set',
        `data.source=${name}.csv`,
        '--set',
        'data.target=label',
      );
      expect(message).toMatch(sentence);
      expect(message).toContain(`${name}.csv`);
      expect(type).toBe('BadData');
    },
  );

  it('in a column that is declared as numbers is refused, and the sentence names the row', async () => {
    project.write('text.csv', good.replace('4,y', 'four,y'));
    const { message } = await failing(
      'run',
      '1',
      '--pipeline',
      'data',
      '--set',
      'data.source=text.csv',
      '--set',
      'data.target=label',
      '--set',
      'data.columns={a: number}',
    );
    expect(message).toMatch(/text\.csv.*(row 4|line 5).*four/);
  });

  it('of a file that is not there is refused, and the sentence says where it was looked for', async () => {
    const { message } = await failing(
      'run',
      '1',
      '--pipeline',
      'data',
      '--set',
      'data.source=nowhere.csv',
    );
    expect(message).toContain('data.source nowhere.csv cannot be read');
  });

  it('outside its project folder is not read by a worker', async () => {
    const started = temporal.workflow.execute('trainBatch', {
      workflowId: 'outside',
      taskQueue: 'incremental-training',
      args: [{ batch: 1, pipeline: 'outside', params: { data: { source: '/etc/passwd' } } }],
    });
    await expect(started).rejects.toMatchObject({
      cause: { type: 'BadData', message: expect.stringContaining('outside the worker') },
    });
  });

  it('of one class is used, with a warning', async () => {
    project.write('one.csv', good.replaceAll('no', 'yes'));
    const { code, stderr } = await project.client(
      'run',
      '1',
      '--pipeline',
      'one',
      '--set',
      'data.source=one.csv',
      '--set',
      'data.target=label',
      '--set',
      'split.test_size=0.5',
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning: .*every label .* is "yes"/);
  });
});

describe('a pipeline with batches', () => {
  it('refuses another batch_size, and another target, and keeps what it has', async () => {
    expect((await project.client('run', '1')).code).toBe(0);
    const before = await store.ledgers.read('iris');
    const { message, type } = await failing('run', '2', '--set', 'data.batch_size=40');
    expect(type).toBe('BadParams');
    expect(message).toBe(
      'data.batch_size is frozen at 50 since the first batch of iris was cut, and this run asks for 40: set it back, or choose a new pipeline name with --pipeline',
    );
    expect(await store.ledgers.read('iris')).toEqual(before);
    expect((await project.client('run', '1')).code).toBe(0);
  });

  it('refuses a file whose rows have changed, and shows the first', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `${i},${i % 7},${i % 2 ? 'odd' : 'even'}`);
    const flags = [
      '--pipeline',
      'growing',
      '--set',
      'data.source=grow.csv',
      '--set',
      'data.target=label',
    ];
    const csv = (lines: string[]): string => `a,b,label\n${lines.join('\n')}\n`;
    project.write('grow.csv', csv(rows));
    expect((await project.client('run', '1', ...flags)).code).toBe(0);
    project.write('grow.csv', csv(rows.with(16, '16,99,even')));
    const { message } = await failing('run', '2', ...flags);
    expect(message).toContain('row 17 was "16,2,even" and is "16,99,even"');
  });

  it('makes an object again whose bytes no longer match its hash, and says so', async () => {
    const { stages } = await store.records.latest('iris', 1);
    const { encoder } = stages.find(({ stage }) => stage === 'preprocess')!.outputs;
    const bytes = Buffer.from(await store.artifacts.get(encoder!)).fill('x', 10, 14);
    await spoil(objectKey(encoder!.md5), bytes);
    const { code, stderr } = await project.client(
      'run',
      '1',
      '--publish',
      '--set',
      'model.max_depth=2',
    );
    expect(stderr).toContain(`${encoder!.path} was missing or damaged in the bucket`);
    expect(code).toBe(0);
    await store.artifacts.get(encoder!); // throws where it is still damaged
    const { healed } = await store.records.latest('iris', 1);
    expect(healed).toEqual([{ path: encoder!.path, md5: encoder!.md5 }]);
  });

  it('makes an earlier batch and its part again, and nothing else', async () => {
    expect((await project.client('run', '2')).code).toBe(0);
    const ledger = (await store.ledgers.read('iris'))!;
    const { stages } = await store.records.latest('iris', 2);
    const [part] = await store.artifacts.list(
      stages.find(({ stage }) => stage === 'preprocess')!.outputs['train']!,
    );
    await store.bucket.delete(objectKey(ledger.batches[0]!.ref.md5));
    await store.bucket.delete(objectKey(part!.md5));
    const { code, stdout } = await project.client(
      'run',
      '2',
      '--publish',
      '--set',
      'model.max_depth=3',
      '--json',
    );
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as { healed: { md5: string }[] };
    expect(document.healed.map(({ md5 }) => md5).sort()).toEqual(
      [part!.md5, ledger.batches[0]!.ref.md5].sort(),
    );
    await store.artifacts.get(part!);
    await store.artifacts.get(ledger.batches[0]!.ref);
    expect(await store.ledgers.read('iris')).toEqual(ledger);
  });

  it('makes a batch and a part again that a run cached throughout would not have read', async () => {
    const before = await store.records.latest('iris', 2);
    const { test } = before.stages.find(({ stage }) => stage === 'preprocess')!.outputs;
    const [part] = await store.artifacts.list(test!);
    const { ref } = (await store.ledgers.read('iris'))!.batches[0]!;
    const flags = ['--publish', '--set', 'model.max_depth=3', '--json'];
    for (const lost of [ref, part!]) {
      await store.bucket.delete(objectKey(lost.md5));
      const { code, stdout } = await project.client('run', '2', ...flags);
      expect(code).toBe(0);
      const { healed, metrics } = JSON.parse(stdout) as Record<string, unknown>;
      expect(healed).toMatchObject([{ md5: lost.md5 }]);
      expect(metrics).toMatchObject({ accuracy: before.metrics['accuracy'] });
      await store.artifacts.get(lost);
    }
  });

  it('names an object that is lost for good, because its source is gone too', async () => {
    const flags = [
      '--pipeline',
      'lost',
      '--set',
      'data.source=lost.csv',
      '--set',
      'data.target=label',
    ];
    const rows = Array.from({ length: 80 }, (_, i) => `${i},${i % 5},${i % 2 ? 'odd' : 'even'}`);
    const file = project.write('lost.csv', `a,b,label\n${rows.join('\n')}\n`);
    expect((await project.client('run', '1', ...flags)).code).toBe(0);
    rmSync(file);
    const raw = (await store.ledgers.read('lost'))!.raw[0]!.ref;
    await store.bucket.delete(objectKey(raw.md5));
    // The worker's own copy would repair it.
    rmSync(join(project.folder, '.retrain'), { recursive: true });
    const { message, type } = await failing('run', '2', ...flags);
    expect(type).toBe('BadData');
    expect(message).toContain('data.source lost.csv cannot be read on the worker');
  });
});

describe('a server that is not there', () => {
  const nowhere = 'http://127.0.0.1:9';
  it.each([
    [
      'Temporal',
      { TEMPORAL_ADDRESS: '127.0.0.1:9' },
      /no Temporal server answers at 127\.0\.0\.1:9.*stack up/,
    ],
    [
      'S3',
      { AWS_ENDPOINT_URL_S3: nowhere },
      /S3 server at http:\/\/127\.0\.0\.1:9 .*not available.*stack up/,
    ],
    [
      'S3 with the wrong secret',
      { AWS_SECRET_ACCESS_KEY: 'wrong' },
      /refused our credentials.*AWS_SECRET_ACCESS_KEY/,
    ],
    ['MLflow', { MLFLOW_TRACKING_URI: nowhere }, /http:\/\/127\.0\.0\.1:9.*stack up/],
  ])('(%s) is reported before anything starts', async (_, env, sentence) => {
    const saved = { ...project.env };
    Object.assign(project.env, env);
    try {
      const { message, code } = await failing('run', '3');
      expect(message).toMatch(sentence);
      expect(message).not.toContain('\n');
      expect(message).not.toContain('wrong');
      expect(code).toBe(3);
    } finally {
      Object.assign(project.env, saved);
    }
  });
});

describe('a batch that is already being run', () => {
  it('is joined with the same params and refused with others, and shows why it waits', async () => {
    // A worker that cannot reach MLflow keeps the run waiting in train, retrying.
    const waiting = await makeProject('waiting');
    const env = { ...waiting.env, MLFLOW_TRACKING_URI: 'http://127.0.0.1:9' };
    const slow = await startWorker({ folder: waiting.folder, env });
    try {
      const { code, stdout } = await waiting.client('run', '1', '--detach');
      expect(code).toBe(0);
      expect(stdout).toMatch(/^iris-batch-1 /);
      const other = await waiting.client('run', '1', '--set', 'model.max_depth=3');
      expect(other.code).toBe(1);
      expect(other.stderr).toContain(
        'iris-batch-1 is running with other params (model.max_depth is 5 there and 3 here)',
      );
      const joined = await waiting.client('run', '1', '--detach');
      expect(joined.stderr).toContain('iris-batch-1 is already running: following it');
      expect(joined.stdout).toBe(stdout);
      await expect
        .poll(async () => (await waiting.client('status', '1')).stdout, { timeout: 120_000 })
        .toMatch(/retrying {2}train, attempt \d+: .*http:\/\/127\.0\.0\.1:9/);
    } finally {
      await waiting.temporal.workflow.getHandle('iris-batch-1').terminate();
      await slow.stop();
      await waiting.close();
    }
  });
});
