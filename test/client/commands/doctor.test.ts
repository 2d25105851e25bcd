import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { checkParams, doctorCommand } from '../../../client/commands/doctor/doctor.ts';
import { openContext } from '../../../client/context.ts';
import { failed, type Finding } from '../../../client/commands/doctor/finding.ts';
import { checkNode, judgeSkew } from '../../../client/commands/doctor/machine.ts';
import { judgeMlflowVersion, judgeWorkers } from '../../../client/commands/doctor/servers.ts';
import { readParams } from '../../../config/params-file.ts';
import { BadParams, SetupError } from '../../../contract/failures.ts';

describe('doctor on params.yaml', () => {
  const check = (file: object): Finding[] => {
    const root = mkdtempSync(join(tmpdir(), 'doctor-'));
    try {
      writeFileSync(join(root, 'params.yaml'), stringify(file));
      return checkParams(readParams(root).findWrongSections());
    } finally {
      rmSync(root, { recursive: true });
    }
  };

  it('names every wrong value of every section, with how to correct it', () => {
    const found = check({
      pipelines: {
        tea: { modle: {} },
        wine: { data: { target: 7 }, gate: { margin: -1 } },
        rum: { gate: { metric: 'acuracy', margin: 'a' } },
        gin: {
          mlflow: { tracking_uri: 'ftp://x', experiment: 5 },
          data: { source: 'ftp://x', batch_size: 0 },
        },
      },
    });
    expect(found.map(({ state, found: text, repair }) => [state, text, repair])).toEqual([
      [
        'fail',
        'params.yaml, pipelines.tea: modle is not a known key',
        'correct it in params.yaml: did you mean model?',
      ],
      [
        'fail',
        'params.yaml, pipelines.wine: data.target is 7',
        'correct it in params.yaml: expected text',
      ],
      [
        'fail',
        'params.yaml, pipelines.wine: gate.margin is -1',
        'correct it in params.yaml: expected at least 0',
      ],
      [
        'fail',
        'params.yaml, pipelines.rum: gate.margin is "a"',
        'correct it in params.yaml: expected a number',
      ],
      [
        'fail',
        'params.yaml, pipelines.rum: gate.metric is "acuracy"',
        expect.stringMatching(
          /^correct it in params\.yaml: expected one of accuracy, .* for classification, or rmse, .* for regression, or null$/,
        ),
      ],
      [
        'fail',
        'params.yaml, pipelines.gin: mlflow.experiment is not a known key',
        'correct it in params.yaml: check its spelling in docs/params.md',
      ],
      [
        'fail',
        'params.yaml, pipelines.gin: data.batch_size is 0',
        'correct it in params.yaml: expected at least 1',
      ],
      [
        'fail',
        'params.yaml, pipelines.gin: data.source ftp://… is not a known source',
        'correct it in params.yaml: give iris, a path, an http(s) URL, s3://bucket/key or dvc://path/to/file.dvc',
      ],
      [
        'fail',
        'params.yaml, pipelines.gin: mlflow.tracking_uri starts with "ftp:", which is neither an MLflow server nor a directory',
        'correct it in params.yaml: write it like http://localhost:5000 or ./mlruns, in params.yaml or MLFLOW_TRACKING_URI',
      ],
    ]);
    expect(check({})).toMatchObject([{ state: 'ok', found: 'valid' }]);
  });

  it('names the params that do not fit together unless other ones are frozen', () => {
    expect(check({ gate: { metric: 'rmse' } })).toMatchObject([
      { state: 'fail', found: 'params.yaml: gate.metric is "rmse"' },
    ]);
    expect(check({ gate: { metric: 'rmse' }, pipelines: { wine: null } })).toHaveLength(1);
    const file = { pipelines: { wine: { gate: { metric: 'rmse' } }, tea: {} } };
    expect(check(file)).toMatchObject([
      { state: 'fail', found: 'params.yaml, pipelines.wine: gate.metric is "rmse"' },
    ]);
    const secret = { source: './a.csv', source_secret_env: 'RETRAIN_SOURCE_URL' };
    expect(check({ pipelines: { wine: { data: secret } } })).toMatchObject([
      {
        found: expect.stringMatching(/^params\.yaml, pipelines\.wine: data\.source_secret_env is/),
      },
    ]);
  });

  it('names every wrong section also where the default pipeline’s is one of them', async () => {
    const root = mkdtempSync(join(tmpdir(), 'doctor-'));
    try {
      const sections = { iris: { model: { max_depth: 0 } }, wine: { modle: {} } };
      writeFileSync(join(root, 'params.yaml'), stringify({ pipelines: sections }));
      const asked = doctorCommand(openContext(root)).parseAsync([], { from: 'user' });
      await expect(asked).rejects.toThrow(
        /pipelines\.iris: model\.max_depth is 0.*; params\.yaml, pipelines\.wine: modle is not a known key/,
      );
      await expect(asked).rejects.toBeInstanceOf(BadParams);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe('doctor', () => {
  it('takes an error apart into what is found and how to repair it', () => {
    const error = new SetupError(
      'no server answers at localhost:7233: start it with "npx retrain stack up"',
    );
    expect(failed('Temporal', error)).toEqual({
      check: 'Temporal',
      state: 'fail',
      found: 'no server answers at localhost:7233',
      repair: 'start it with "npx retrain stack up"',
    });
  });

  it('does not take a colon in what to do for the end of what is found', () => {
    const error = new SetupError(
      'MLflow does not answer (ECONNREFUSED): start it, or use uri: ./mlruns',
    );
    expect(failed('MLflow', error)).toMatchObject({
      found: 'MLflow does not answer (ECONNREFUSED)',
      repair: 'start it, or use uri: ./mlruns',
    });
  });

  it('leaves the other servers that an error names to their own findings', () => {
    const error = new SetupError(
      'no server answers at localhost:7233: start it\nnot running either: MLflow at http://localhost:5000',
    );
    expect(failed('Temporal', error)).toMatchObject({
      found: 'no server answers at localhost:7233',
      repair: 'start it',
    });
  });

  it.each([
    ['3.17.2', 'ok'],
    ['3.17.9', 'ok'],
    ['3.12.0', 'warn'],
    ['4.0.0', 'warn'],
    ['2.22.1', 'fail'],
    [undefined, 'warn'],
  ])('takes MLflow %s as %s, where 3.17.2 is tried', (version, state) => {
    const found = judgeMlflowVersion(version, { at: 'http://mlflow', tested: '3.17.2' });
    expect(found.state).toBe(state);
    expect(found.repair === null).toBe(state === 'ok');
  });

  it('says when the last poll was, and does not count a worker that was killed', () => {
    const now = 1_000_000;
    const poller = (identity: string, isLive: boolean) => ({
      identity,
      polledAt: now - 50_000,
      isLive,
    });
    expect(judgeWorkers([poller('7@here', false)], 'queue', undefined, now)).toMatchObject({
      state: 'fail',
      found: 'none polls queue: the last poll was 50 s ago, by 7@here, which does not run any more',
    });
    expect(judgeWorkers([], 'queue', undefined, now)).toMatchObject({
      state: 'fail',
      found: 'none polls queue',
    });
    const pollers = [poller('7@here', false), poller('8@there', true)];
    expect(judgeWorkers(pollers, 'queue', undefined, now)).toMatchObject({
      state: 'ok',
      found: 'one polls queue: the last poll was 50 s ago, by 8@there',
    });
  });

  it('asks the worker on this machine too', () => {
    const live = [{ identity: '8@here', polledAt: 990_000, isLive: true }];
    const url = 'http://127.0.0.1:7300/readyz';
    const judge = (problem: string | undefined) =>
      judgeWorkers(live, 'queue', { url, problem }, 1_000_000);
    expect(judge(undefined)).toMatchObject({
      state: 'ok',
      found: `one polls queue: the last poll was 10 s ago, by 8@here; ${url} says that it is ready`,
    });
    expect(judge(`${url} answers 503`)).toMatchObject({
      state: 'warn',
      found: `one polls queue: the last poll was 10 s ago, by 8@here, but ${url} answers 503`,
    });
  });

  it.each([
    ['20.18.9', 'fail'],
    ['20.19.0', 'ok'],
    ['18.20.0', 'fail'],
    ['24.1.0', 'ok'],
  ])('takes Node %s as %s', (version, state) => {
    expect(checkNode(version).state).toBe(state);
  });

  it.each([
    [0, 'ok'],
    [-4_000, 'ok'],
    [60_000, 'warn'],
    [-60_000, 'warn'],
    [900_000, 'fail'],
  ])('a clock that is %d ms ahead is %s', (ahead, state) => {
    expect(judgeSkew('s3', 1_000_000_000, 1_000_000_500 + ahead).state).toBe(state);
  });
});
