import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunSummary } from '../../contract/train-batch.ts';
import type { ResultDocument } from '../../client/result.ts';
import { verifyVersions } from '../../client/commands/verify/versions.ts';
import { sha256 } from '../../store/hash.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import type { trainBatch } from '../../workflows/index.ts';
import { runClient, succeed, type Ran } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';

/** Two people at two machines: each with a project folder, on the same servers. */

let elsewhere: string;

const project = withProject('clients');
const { store, temporal } = project;

beforeAll(() => {
  elsewhere = mkdtempSync(join(tmpdir(), 'retrain elsewhere '));
  cpSync(join(project.folder, 'params.yaml'), join(elsewhere, 'params.yaml'));
});

afterAll(() => rmSync(elsewhere, { recursive: true, force: true }));

describe('two clients that run the same batch at once', () => {
  it('share one run, and both report the same version', async () => {
    const env = { ...project.env, RETRAIN_ROOT: elsewhere };
    const both = await Promise.all([
      succeed(project.client('run', '2', '--json')),
      succeed(runClient(['run', '2', '--json'], elsewhere, env)),
    ]);
    const [one, other] = both.map(({ stdout }) => JSON.parse(stdout) as ResultDocument);
    // One that comes when the other is done finds every stage cached: another run, nothing new.
    const working = [one!, other!].filter(({ stages }) => stages.some(({ cached }) => !cached));
    expect(new Set(working.map(({ runId }) => runId)).size).toBe(1);
    expect(other!.metrics).toEqual(one!.metrics);
    expect(other!.mlflow).toEqual(one!.mlflow);
    const record = await store.records.latest('iris', 2);
    expect(record.seq).toBe(1);
    expect(await store.records.read('iris', 2, 2)).toBeUndefined();
    expect(await verifyVersions(store, { pipeline: 'iris', version: 2 })).toMatchObject({
      problems: [],
    });
  });

  it('with other params: the later one is refused, or builds another version after it', async () => {
    const env = { ...project.env, RETRAIN_ROOT: elsewhere };
    const both = await Promise.all([
      project.client('run', '3', '--publish', '--set', 'model.max_depth=2', '--json'),
      runClient(['run', '3', '--publish', '--set', 'model.max_depth=3', '--json'], elsewhere, env),
    ]);
    const won = both.filter(({ code }) => code === 0);
    const lost = both.filter(({ code }) => code !== 0);
    expect(won.length).toBeGreaterThanOrEqual(1);
    for (const { stdout } of lost)
      expect(JSON.parse(stdout)).toMatchObject({ status: 'failed', error: { type: 'Conflict' } });
    const record = await store.records.latest('iris', 3);
    expect(record.seq).toBe(won.length);
    const depths = won.map(
      ({ stdout }) => (JSON.parse(stdout) as { params: { model: unknown } }).params.model,
    );
    expect(depths).toContainEqual(record.params['model']);
    expect(await verifyVersions(store, { pipeline: 'iris', version: 3 })).toMatchObject({
      problems: [],
    });
  });
});

/** Runs the command line here and at the other machine at once. */
function atOnce(here: string[], there: string[] = here): Promise<[Ran, Ran]> {
  const env = { ...project.env, RETRAIN_ROOT: elsewhere };
  return Promise.all([project.client(...here), runClient(there, elsewhere, env)]);
}

describe('at once', () => {
  it('two forced runs of one batch under different ids leave two whole builds of the same bytes', async () => {
    const before = await store.records.latest('iris', 2);
    const forced = (id: string): Promise<RunSummary> =>
      temporal.workflow.execute<typeof trainBatch>('trainBatch', {
        workflowId: id,
        taskQueue: 'incremental-training',
        args: [{ batch: 2, pipeline: 'iris', force: true }],
      });
    const done = await Promise.all([forced('by-one'), forced('by-another')]);
    const seqs = done.map(({ version }) => version!.seq).toSorted((a, b) => a - b);
    expect(seqs).toEqual([before.seq + 1, before.seq + 2]);
    const records = await Promise.all(seqs.map((seq) => store.records.read('iris', 2, seq)));
    for (const record of records)
      for (const [i, stage] of record!.stages.entries())
        expect(stage).toMatchObject({
          cached: false,
          // The decision is about another champion by then.
          outputs: stage.stage === 'gate' ? {} : before.stages[i]!.outputs,
        });
    const runs = records.map((record) => record!.mlflow!.run_id);
    expect(new Set([before.mlflow!.run_id, ...runs]).size).toBe(3);
    const { seq } = await store.records.latest('iris', 2);
    expect((await store.records.list('iris')).find(({ version }) => version === 2)!.seq).toBe(seq);
    expect(await verifyVersions(store, { pipeline: 'iris', version: 2 })).toMatchObject({
      problems: [],
    });
  });

  it('two pipelines of the same data share what is in the bucket, forced or not', async () => {
    const runs = await atOnce(
      ['run', '1', '--pipeline', 'mine', '--force'],
      ['run', '1', '--pipeline', 'theirs', '--force'],
    );
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    const [mine, theirs] = await Promise.all(
      ['mine', 'theirs'].map((name) => store.records.latest(name, 1)),
    );
    const outputs = ({ stages }: VersionRecord): unknown => stages.map((stage) => stage.outputs);
    expect(outputs(theirs!)).toEqual(outputs(mine!));
    for (const pipeline of ['mine', 'theirs'])
      expect((await verifyVersions(store, { pipeline, version: 1 })).problems).toEqual([]);
  });

  it('two exports into one folder leave one whole', async () => {
    const out = join(elsewhere, 'exported');
    const runs = await atOnce(
      ['dvc', 'export', '3', '--out', out],
      ['dvc', 'export', '2', '--out', out],
    );
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    const { version, files } = JSON.parse(readFileSync(join(out, '.dvc/export.json'), 'utf8')) as {
      version: number;
      files: Record<string, string>;
    };
    for (const [path, hash] of Object.entries(files))
      expect([path, sha256(readFileSync(join(out, path)))]).toEqual([path, hash]);
    expect(readFileSync(join(out, 'dvc.lock'), 'utf8')).toContain(`models/batch_${version}`);
    expect(readdirSync(out).filter((name) => /lock\b|tmp/.test(name))).toEqual(['dvc.lock']);
  });

  it('two amendments of one batch are two revisions, and the later one is current', async () => {
    const { batches, revision } = (await store.ledgers.read('iris'))!;
    const text = Buffer.from(await store.artifacts.get(batches[0]!.ref)).toString();
    const [header, ...rows] = text.trimEnd().split('\n');
    const short = (rest: string[]): string => [header, ...rest, ''].join('\n');
    const files = [
      project.write('a.csv', short(rows.slice(1))),
      project.write('b.csv', short(rows.slice(2))),
    ];
    const runs = await atOnce(
      ...(files.map((file) => ['amend', '1', '--source', file]) as [string[], string[]]),
    );
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    const ledger = (await store.ledgers.read('iris'))!;
    expect(ledger.revision).toBe(revision + 2);
    expect(ledger.batches[0]!.replaced.map(({ ref }) => ref)).toContainEqual(batches[0]!.ref);
    const revisions = runs.map(({ stderr }) =>
      /has (\d+) rows now, from ledger revision (\d+)/.exec(stderr)!,
    );
    expect(revisions.map((line) => Number(line[2])).toSorted((a, b) => a - b)).toEqual([
      revision + 1,
      revision + 2,
    ]);
    const last = revisions.find((line) => Number(line[2]) === ledger.revision)!;
    expect(ledger.batches[0]!.rows).toBe(Number(last[1]));
    await succeed(project.client('run', '1'));
    expect((await verifyVersions(store, { pipeline: 'iris', version: 1 })).problems).toEqual([]);
  });
});
