import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ResultDocument } from '../../client/result.ts';
import { isDirectory } from '../../contract/ref.ts';
import { STAGE_NAMES } from '../../contract/stages.ts';
import { readCodeBlocks } from '../support/code-blocks.ts';
import { largestPayloadIn, MOST_PAYLOAD } from '../support/payloads.ts';
import { ROOT } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';

/** Batches 1..3 through the real stack by the real command line, and what they leave everywhere. */

/** The stages that make a build. The decision about it is another one once there is another champion. */
const BUILD = STAGE_NAMES.slice(0, -1);

const documents: ResultDocument[] = [];

const project = withProject('iris');
const { store, temporal } = project;

async function mlflow(path: string, body?: unknown): Promise<Record<string, never>> {
  const response = await fetch(
    `${project.env['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/${path}`,
    body === undefined
      ? {}
      : {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        },
  );
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, never>;
}

const cachedStages = (document: ResultDocument): string[] =>
  document.stages.filter(({ cached }) => cached).map(({ stage }) => stage);

/** Python that follows the programs of docs/use.md, and compares what they have found. */
const REPORT_USE = `
import json
from pathlib import Path

shares = model.predict(rows, params={"proba": True})
print(json.dumps({
    "same_file": Path(path).read_bytes() == Path("iris.onnx").read_bytes(),
    "same_labels": len(rows) == 150 and list(model.predict(rows)) == list(labels),
    "same_shares": list(shares.columns) == sorted(set(labels)) and bool((shares.to_numpy() == probabilities).all()),
    "inputs": [column.type.name for column in model.metadata.signature.inputs.inputs],
    "example": len(model.predict(model.input_example)),
    "flavor": mlflow.onnx.load_model(model.metadata.get_model_info().model_uri).producer_name,
}))
`;

describe('three Iris batches', () => {
  it.each([1, 2, 3])('batch %i runs to a result document', async (batch) => {
    const document = await project.runJson(String(batch));
    documents[batch] = document;
    expect(document).toMatchObject({
      pipeline: 'iris',
      batch,
      status: 'completed',
      workflowId: `iris-batch-${batch}`,
      params: { data: { batch_size: 50 }, model: { max_depth: 5 } },
      mlflow: { modelName: project.model, trackingUri: project.env['MLFLOW_TRACKING_URI'] },
    });
    expect(document.stages.map(({ stage }) => stage)).toEqual(STAGE_NAMES);
    expect(cachedStages(document)).toEqual(batch === 1 ? [] : ['get_data']);
    expect(document.metrics!['accuracy']).toBeGreaterThan(0.8);
  });

  it('gives every artifact a reference that its stored bytes match', async () => {
    const refs = documents.flatMap(({ stages }) =>
      stages.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]),
    );
    expect(refs.length).toBeGreaterThan(40);
    for (const ref of refs) {
      // `get` and `list` check SHA-256 and throw where it differs.
      if (isDirectory(ref)) {
        for (const file of await store.artifacts.list(ref)) await store.artifacts.get(file);
      } else await store.artifacts.get(ref);
    }
  });

  it('splits the 150 rows into the batches and onto the two sides without losing one', async () => {
    const [first] = documents[3]!.stages.find(({ stage }) => stage === 'merge_data')!.outputs;
    const batches = await store.artifacts.list(first!);
    const rows = await Promise.all(
      batches.map(async (ref) => {
        const [, ...lines] = Buffer.from(await store.artifacts.get(ref))
          .toString()
          .trim()
          .split('\n');
        return lines;
      }),
    );
    expect(rows.map(({ length }) => length)).toEqual([50, 50, 50]);
    const iris = readFileSync(new URL('../../sources/datasets/iris.csv', import.meta.url), 'utf8');
    expect(rows.flat().sort()).toEqual(iris.trim().split('\n').slice(1).sort());
    const index = await store.records.list('iris');
    for (const { rows: train, metrics, version } of index)
      expect(train + metrics['test_rows']!).toBe(50 * version);
  });

  it('keeps version N−1’s parts in version N: a row never changes sides', async () => {
    const partsOf = async (document: ResultDocument, side: string): Promise<string[]> => {
      const { outputs } = document.stages.find(({ stage }) => stage === 'preprocess')!;
      const ref = outputs.find(({ path }) => path === `data/processed/${side}/`)!;
      return (await store.artifacts.list(ref)).map(({ sha256 }) => sha256);
    };
    for (const side of ['train', 'test']) {
      const three = await partsOf(documents[3]!, side);
      expect(three.slice(0, 2)).toEqual(await partsOf(documents[2]!, side));
    }
  });

  it('writes metrics/batch_N.json into the working tree, as stored', async () => {
    for (const batch of [1, 2, 3]) {
      const path = `metrics/batch_${batch}.json`;
      const scored = documents[batch]!.stages.find(({ stage }) => stage === 'evaluate')!;
      const [stored] = scored.outputs;
      expect(stored!.path).toBe(path);
      const written = readFileSync(join(project.folder, path));
      expect(written.equals(await store.artifacts.get(stored!))).toBe(true);
      const { confusion_matrix: matrix, ...metrics } = JSON.parse(written.toString()) as Record<
        string,
        unknown
      >;
      expect(documents[batch]!.metrics).toEqual(metrics);
      expect(documents[batch]!.confusionMatrix).toEqual(matrix);
    }
  });

  it('leaves one finished MLflow run a batch, with params, metrics, model and data sets', async () => {
    const { experimentId } = documents[1]!.mlflow!;
    const { runs } = await mlflow('runs/search', { experiment_ids: [experimentId] });
    interface Run {
      info: { run_id: string; run_name: string; status: string };
      data: { params: Pair[]; tags: Pair[]; metrics: (Pair<number> & { step: number })[] };
      inputs: { dataset_inputs: { dataset: { name: string; digest: string } }[] };
    }
    interface Pair<T = string> {
      key: string;
      value: T;
    }
    const [versions, parents] = [/^iris-v/, /^iris$/].map((name) =>
      (runs as unknown as Run[]).filter(({ info }) => name.test(info.run_name)),
    );
    const all = versions!;
    expect(all.map(({ info }) => info.run_name).sort()).toEqual(['iris-v1', 'iris-v2', 'iris-v3']);
    expect(parents).toHaveLength(1);
    expect(runs).toHaveLength(4);
    for (const { info, data, inputs } of all) {
      const batch = Number(info.run_name.slice('iris-v'.length));
      const document = documents[batch]!;
      expect(info).toMatchObject({ run_id: document.mlflow!.runId, status: 'FINISHED' });
      const values = (pairs: Pair<string | number>[]): Record<string, string | number> =>
        Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
      expect(values(data.params)).toMatchObject({ 'model.max_depth': '5', 'data.source': 'iris' });
      expect(values(data.metrics)['accuracy']).toBe(document.metrics!['accuracy']);
      expect(data.metrics.map(({ step }) => step)).toEqual(data.metrics.map(() => batch));
      expect(values(data.tags)).toMatchObject({
        'retrain.pipeline': 'iris',
        'retrain.batch': String(batch),
        'temporal.workflow_id': `iris-batch-${batch}`,
        'temporal.run_id': document.runId,
      });
      const tags = values(data.tags);
      expect(tags['mlflow.parentRunId']).toBe(parents![0]!.info.run_id);
      expect(tags['mlflow.note.content']).toContain(`**iris version ${batch}**, build 1`);
      expect(Object.keys(values(data.metrics))).not.toContain('accuracy_low');
      const digests = inputs.dataset_inputs.map(({ dataset }) => dataset.digest);
      const { outputs } = document.stages.find(({ stage }) => stage === 'preprocess')!;
      for (const side of ['train', 'test'])
        expect(digests).toContain(
          outputs.find(({ path }) => path.endsWith(`${side}/`))!.md5.replace('.dir', ''),
        );
      const alias = await mlflow(
        `registered-models/alias?name=${project.model}&alias=batch-${batch}`,
      );
      expect(alias['model_version']).toMatchObject({
        version: document.mlflow!.modelVersion,
        run_id: info.run_id,
      });
    }
  });

  it('shows each score as one line over versions, in the run of the pipeline', async () => {
    const { experimentId } = documents[1]!.mlflow!;
    const query = { experiment_ids: [experimentId], filter: "attributes.run_name = 'iris'" };
    const { runs } = await mlflow('runs/search', query);
    const [{ info }] = runs as unknown as [{ info: { run_id: string; status: string } }];
    expect(info.status).toBe('FINISHED');
    const answer = await mlflow(`metrics/get-history?run_id=${info.run_id}&metric_key=accuracy`);
    const points = answer['metrics'] as unknown as { step: number; value: number }[];
    expect(points.map(({ step, value }) => [step, value])).toEqual(
      [1, 2, 3].map((batch) => [batch, documents[batch]!.metrics!['accuracy']]),
    );
  });

  it('writes a report that shows the version, its tree and the versions before', async () => {
    const out = join(project.folder, 'three.html');
    const { path } = await project.json<{ path: string }>('report', '3', '--out', out);
    expect(path).toBe(out);
    const page = readFileSync(out, 'utf8');
    expect(page).toContain('<title>iris · version 3</title>');
    expect(page).toContain('Change against version 2');
    expect(page).toContain('accuracy of versions 1 to 3');
    expect(page).toContain('The decisions of the model as a tree');
    expect(page).toContain('Lineage of iris, version 3');
    expect(page).toContain(documents[3]!.links.mlflow!);
    expect(page).not.toMatch(/undefined|<script/);
  });

  it('shows all stages in Temporal’s history, and lets nothing over 8 KiB cross', async () => {
    const { workflowId, runId } = documents[3]!;
    const { events } = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    const activities = events!.flatMap(
      ({ activityTaskScheduledEventAttributes: begun }) => begun?.activityType?.name ?? [],
    );
    expect(activities).toEqual([...STAGE_NAMES, 'publish_version']);
    const { bytes, runs } = await largestPayloadIn(project);
    expect(runs).toBeGreaterThanOrEqual(3);
    expect(bytes).toBeLessThan(MOST_PAYLOAD);
  });

  it('publishes a version record that names everything', async () => {
    const record = await store.records.latest('iris', 3);
    expect(record).toMatchObject({
      pipeline: 'iris',
      version: 3,
      seq: 1,
      workflow: { workflow_id: 'iris-batch-3', run_id: documents[3]!.runId },
      mlflow: { run_id: documents[3]!.mlflow!.runId },
    });
    expect(record.metrics['accuracy']).toBe(documents[3]!.metrics!['accuracy']);
  });
});

describe('running again', () => {
  it('takes every stage from the cache and makes nothing new', async () => {
    const again = await project.runJson('3');
    expect(cachedStages(again)).toEqual(expect.arrayContaining(BUILD));
    expect(again.mlflow).toEqual(documents[3]!.mlflow);
    expect(again.metrics).toEqual(documents[3]!.metrics);
    expect((await store.records.latest('iris', 3)).seq).toBe(1);
  });

  it('runs train and evaluate alone for another max_depth, in another MLflow run', async () => {
    const shallow = await project.runJson('3', '--set', 'model.max_depth=1');
    expect(cachedStages(shallow)).toEqual(STAGE_NAMES.slice(0, 4));
    expect(shallow.mlflow!.runId).not.toBe(documents[3]!.mlflow!.runId);
    expect(shallow).toMatchObject({ build: 2, trial: { 'model.max_depth': 1 } });
    expect(shallow.mlflow!.modelVersion).toBeNull();
    expect((await store.records.latest('iris', 3)).seq).toBe(1);
    const { stdout } = await project.client('trials', '3');
    expect(stdout).toMatch(/^ +3\.2 +model\.max_depth=1 /m);
  });

  it('publishes that trial by its number, and its model gets the alias', async () => {
    const { stdout, stderr } = await project.client('publish', '3', '--trial', '2');
    expect(stdout).toMatch(/^version 3 of iris is build 2 now$/m);
    expect(stderr).toContain('publish 3 --trial 1 --pipeline iris');
    expect((await store.records.latest('iris', 3)).seq).toBe(2);
    const alias = await mlflow(`registered-models/alias?name=${project.model}&alias=batch-3`);
    expect(alias['model_version']).toMatchObject({
      version: expect.not.stringMatching(new RegExp(`^${documents[3]!.mlflow!.modelVersion}$`)),
    });
    const all = await project.client('list', '--all');
    expect(all.stdout).toMatch(/^ +3\.1 +earlier /m);
    expect(all.stdout).toMatch(/^ +3\.2 +published /m);
  });

  it('runs every stage with --force, to the same hashes', async () => {
    const forced = await project.runJson('3', '--force');
    expect(cachedStages(forced)).toEqual([]);
    const hashes = (document: ResultDocument): string[] =>
      document.stages
        .filter(({ stage }) => BUILD.includes(stage))
        .flatMap(({ outputs }) => outputs.map(({ sha256 }) => sha256));
    expect(hashes(forced)).toEqual(hashes(documents[3]!));
    expect(forced.mlflow!.runId).not.toBe(documents[3]!.mlflow!.runId);
  });

  it('makes an earlier build the latest again, in the store and under its alias', async () => {
    const again = await project.runJson('3');
    expect(cachedStages(again)).toEqual(expect.arrayContaining(BUILD));
    expect((await store.records.latest('iris', 3)).seq).toBe(1);
    const alias = await mlflow(`registered-models/alias?name=${project.model}&alias=batch-3`);
    expect(alias['model_version']).toMatchObject({ version: documents[3]!.mlflow!.modelVersion });
  });

  it('answers raw rows by a version, as well as its scores say', async () => {
    const iris = readFileSync(join(ROOT, 'sources/datasets/iris.csv'), 'utf8').trim().split('\n');
    const rows = project.write('rows.csv', iris.join('\n'));
    const { stdout, code } = await project.client('predict', '--in', rows, '--model', '3');
    expect(code).toBe(0);
    const answers = stdout.trim().split('\n').slice(1);
    const right = iris.slice(1).filter((line, i) => line.endsWith(`,${answers[i]}`));
    expect(right.length / 150).toBeGreaterThan(0.95);
  });

  it('is used from Python as docs/use.md shows, and its ONNX file answers the same', async () => {
    const exported = join(project.folder, 'iris.onnx');
    const { stdout, code } = await project.client('export', '--model', '3', '--out', exported);
    expect([code, stdout.trim()]).toEqual([0, exported]);
    const page = readCodeBlocks('use.md', 'python')
      .filter((block) => block.includes('import mlflow'))
      .join('\n')
      .replaceAll('http://localhost:5000', project.env['MLFLOW_TRACKING_URI']!)
      .replaceAll('models:/iris@', `models:/${project.model}@`);
    project.write('new.csv', readFileSync(join(ROOT, 'sources/datasets/iris.csv')));
    const program = project.write('use.py', `${page}\n${REPORT_USE}`);
    const python = join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin', 'python');
    const { stdout: report } = await promisify(execFile)(python, [program], {
      cwd: project.folder,
      env: { ...process.env, PYTHONWARNINGS: 'ignore' },
    });
    expect(JSON.parse(report.trim().split('\n').at(-1)!)).toEqual({
      same_file: true,
      same_labels: true,
      same_shares: true,
      inputs: ['double', 'double', 'double', 'double'],
      example: 1,
      flavor: 'incremental-retraining',
    });
  });

  it('lists the versions, and shows one', async () => {
    const { stdout } = await project.client('list', '--json');
    const { versions } = JSON.parse(stdout) as { versions: { version: number; build: number }[] };
    expect(versions.map(({ version, build }) => [version, build])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    const shown = await project.client('status', '2');
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain('iris-batch-2 completed');
    expect(shown.stdout).toContain('version 2, build 1');
  });
});

describe('one stage at a time', () => {
  it('each needs only what comes before it, and says so when that is missing', async () => {
    // Another seed: rows that no run has cut before, for the cache is shared by all pipelines.
    const flags = ['--pipeline', 'steps', '--set', 'data.shuffle_seed=7'];
    const early = await project.client('stage', 'train', '2', ...flags, '--json');
    expect(early.code).toBe(1);
    expect(JSON.parse(early.stdout)).toMatchObject({
      status: 'failed',
      error: { type: 'MissingHistory', stage: 'prepare_batch' },
    });
    const steps = STAGE_NAMES.map((stage) => (stage === 'get_data' ? [stage] : [stage, '2']));
    for (const step of steps) {
      const { code, stderr } = await project.client('stage', ...step, ...flags);
      expect(stderr).not.toContain('error');
      expect(code).toBe(0);
    }
    const whole = await project.runJson('2', ...flags);
    expect(cachedStages(whole)).toEqual(expect.arrayContaining(BUILD));
    const { metrics, seq } = await store.records.latest('steps', 2);
    expect([metrics['accuracy'], seq]).toEqual([whole.metrics!['accuracy'], 1]);
  });

  it('stops after a stage with --until', async () => {
    const { code, stdout } = await project.client(
      'run',
      '1',
      '--pipeline',
      'until',
      '--until',
      'preprocess',
      '--json',
    );
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as ResultDocument;
    expect(document.stages.map(({ stage }) => stage)).toEqual(STAGE_NAMES.slice(0, 4));
    expect(document.mlflow).toBeNull();
    expect(await store.records.list('until')).toEqual([]);
  });
});
