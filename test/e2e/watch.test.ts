import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeProject } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';

/** Following a run that somebody else started, and a document for those who asked for one. */

const project = withProject('watch');
const { temporal } = project;

/** Runs a command with other servers than the project's. */
async function elsewhere(env: Record<string, string>, ...args: string[]) {
  const saved = { ...project.env };
  Object.assign(project.env, env);
  try {
    return await project.client(...args);
  } finally {
    Object.assign(project.env, saved);
  }
}

interface Failed {
  status: string;
  error: { type: string; message: string };
}

describe('watch', () => {
  it('reports the result of a run that another client started, under its own id', async () => {
    await temporal.workflow.start('trainBatch', {
      workflowId: 'by hand',
      taskQueue: 'incremental-training',
      args: [{ batch: 1, until: 'preprocess' }],
    });
    const following = project.client('watch', '1', '--workflow-id', 'by hand', '--json');
    const { code, stdout, stderr } = await following;
    expect(code).toBe(0);
    expect(stderr).toMatch(/preprocess +done/);
    expect(stderr).not.toContain('train ');
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', workflowId: 'by hand' });
  });

  it('says so when there is nothing to follow', async () => {
    const { code, stderr } = await project.client('watch', '7');
    expect(code).toBe(1);
    expect(stderr).toContain('iris-batch-7 has never been run');
  });
});

describe('status', () => {
  it('works from Temporal alone when the store is down', async () => {
    expect((await project.client('run', '1')).code).toBe(0);
    const down = { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' };
    const { code, stdout, stderr } = await elsewhere(down, 'status', '1', '--json');
    expect(code).toBe(0);
    expect(stderr).toContain('the version cannot be shown: the S3 server');
    expect(JSON.parse(stdout)).toMatchObject({
      run: { workflowId: 'iris-batch-1', status: 'completed' },
      version: null,
      storage: expect.stringContaining('127.0.0.1:9'),
    });
  });

  it('says that a running batch has no worker', async () => {
    const lonely = await makeProject('lonely');
    expect((await lonely.client('run', '1', '--detach')).code).toBe(0);
    const { code, stdout } = await lonely.client('status', '1', '--json');
    await lonely.close();
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      run: {
        status: 'running',
        stages: null,
        waiting: expect.stringContaining('no worker is there to do the work'),
      },
    });
  });
});

describe('--json', () => {
  it.each([
    [['run', 'x'], 2, /whole number/],
    [['run'], 2, /missing required argument/],
    [['run', '1', '--set', 'model.max_depth=&a [*a]'], 2, /not a plain YAML value/],
    [['list', '--no-such-flag'], 2, /unknown option/],
    [['status', '77'], 1, /has never been run/],
  ])('%j prints one document', async (args, exit, sentence) => {
    const { code, stdout } = await project.client(...args, '--json');
    const { status, error } = JSON.parse(stdout) as Failed;
    expect(status).toBe('failed');
    expect(error.message).toMatch(sentence);
    expect(code).toBe(exit);
  });

  it('names a namespace that is not there, and a stack folder that cannot be used', async () => {
    const unknown = await elsewhere({ TEMPORAL_NAMESPACE: 'nobody' }, 'run', '1', '--json');
    expect(unknown.code).toBe(3);
    expect((JSON.parse(unknown.stdout) as Failed).error.message).toMatch(
      /has no namespace nobody: create it with/,
    );
    const file = join(project.folder, 'a file');
    writeFileSync(file, '');
    const broken = { RETRAIN_STACK_DIR: join(file, 'stack') };
    const stack = await elsewhere(broken, 'stack', 'up', '--json');
    expect(stack.code).toBe(3);
    expect((JSON.parse(stack.stdout) as Failed).error.message).toMatch(/a file.*check its perm/);
  });
});

describe('doctor', () => {
  interface Findings {
    findings: { check: string; state: string; repair: string | null }[];
  }

  it('looks at every part, and says how to repair what is wrong', async () => {
    const { code, stdout } = await project.client('doctor', '--json');
    const { findings } = JSON.parse(stdout) as Findings;
    const states = Object.fromEntries(findings.map(({ check, state }) => [check, state]));
    expect(states).toMatchObject({
      'params.yaml': 'ok',
      Node: 'ok',
      Temporal: 'ok',
      retention: 'warn', // the tests' namespaces keep a day
      'search attributes': 'warn',
      worker: 'ok',
      S3: 'ok',
      MLflow: 'ok',
      clock: 'ok',
    });
    expect(code).toBe(0);
    const { repair } = findings.find(({ check }) => check === 'search attributes')!;
    expect(repair).toBe('npx retrain search-attributes register');
  });

  it('fails with the parts that are down, having looked at the others', async () => {
    const nowhere = 'http://127.0.0.1:9';
    const down = { AWS_ENDPOINT_URL_S3: nowhere, MLFLOW_TRACKING_URI: nowhere };
    const { code, stdout } = await elsewhere(down, 'doctor');
    expect(code).toBe(3);
    expect(stdout).toMatch(/S3 +fail .*127\.0\.0\.1:9/);
    expect(stdout).toMatch(/MLflow +fail .*127\.0\.0\.1:9/);
    expect(stdout).toMatch(/Temporal +ok/);
  });
});
