import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TrackingRefused } from '../../contract/failures.ts';
import { refuseOtherFolder } from '../../tracking/place.ts';
import { createFilesTracker } from '../../tracking/files/tracker.ts';
import type { NewModel, Tracker } from '../../tracking/tracker.ts';

/** The contract of tracking/tracker.ts, kept by a directory; what MLflow makes of it is tried elsewhere. */

let path: string;
let tracker: Tracker;
let experiment: string;

beforeEach(async () => {
  path = join(mkdtempSync(join(tmpdir(), 'some one ')), 'mlruns');
  tracker = createFilesTracker({ path });
  experiment = await tracker.ensureExperiment('e');
});
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }));

const newRun = (tags: Record<string, string> = {}): Promise<string> =>
  tracker.createRun({ experimentId: experiment, name: 'batch_3', startedAt: 1_000, tags });

const read = (...parts: string[]): string => readFileSync(join(path, ...parts), 'utf8');

/** Every file with its content, drafts and locks left out: they must all be gone. */
function everything(): Record<string, string> {
  const files = readdirSync(path, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    files
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file.slice(path.length), readFileSync(file, 'utf8')]),
  );
}

const model: NewModel = {
  name: 'model',
  step: 3,
  params: { max_depth: 5 },
  tags: { batch: '3' },
  files: ({ modelId }) => [{ path: 'a/b c.txt', bytes: Buffer.from(modelId) }],
};

async function logAll(to: Tracker, runId: string): Promise<void> {
  const dataset = { name: 'd', digest: '12', sourceType: 's3', source: '{}' };
  await to.logParams(runId, { 'data.source': 'iris', depth: 5, seed: null });
  const modelId = await to.logModel(runId, model);
  const at = { step: 3, timestamp: 1_000, modelId, dataset };
  await to.logMetrics(runId, { accuracy: 0.9, 'recall/<=50K': 1, loss: NaN }, at);
  await to.logInputs(runId, [{ ...dataset, context: 'testing' }], modelId);
  await to.setTags(runId, { note: 'ä' });
  await to.logArtifact(runId, 'metrics/batch 3.json', Buffer.from('{}'));
  await to.finishRun(runId, 'FINISHED', 5_000);
}

describe('a tracking directory', () => {
  it('holds the same after everything is logged again', async () => {
    const runId = await newRun({ attempt: 'a' });
    await logAll(tracker, runId);
    const once = everything();
    await logAll(createFilesTracker({ path }), runId);
    expect(everything()).toEqual(once);
    expect(Object.keys(once).filter((file) => file.startsWith('/.retrain.trash'))).toEqual([]);
    expect(read(experiment, runId, 'metrics', 'accuracy')).toBe('1000 0.9 3\n');
    expect(read(experiment, runId, 'artifacts', 'metrics', 'batch 3.json')).toBe('{}');
  });

  it('takes the same from two processes at once, and from twenty calls at once', async () => {
    const runId = await newRun();
    const [main, tsx] = ['../../tracking/files/tracker.ts', 'tsx'].map((file) =>
      import.meta.resolve(file),
    );
    const script = `
      const { createFilesTracker } = await import(${JSON.stringify(main)});
      const tracker = createFilesTracker({ path: ${JSON.stringify(path)} });
      const id = await tracker.ensureExperiment('shared');
      for (let step = 0; step < 40; step++)
        await tracker.logMetrics(${JSON.stringify(runId)}, { m: step / 8 }, { step, timestamp: 1 });
      process.stdout.write(id);`;
    const other = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const args = ['--import', tsx!, '--input-type=module', '-e', script];
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
        let out = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
        child.once('error', reject).once('close', () => resolve(out));
      });
    const here = Array.from({ length: 20 }, async (_, step) =>
      tracker.logMetrics(runId, { m: step / 8 }, { step, timestamp: 1 }),
    );
    const ids = await Promise.all([other(), other()]);
    await Promise.all(here);
    expect(ids[0]).toMatch(/^\d{9}$/);
    expect(ids[1]).toBe(ids[0]);
    const lines = read(experiment, runId, 'metrics', 'm').trim().split('\n');
    const expected = Array.from({ length: 40 }, (_, step) => `1 ${step / 8} ${step}`);
    expect(lines.toSorted()).toEqual(expected.toSorted());
  });

  it('goes on where a process that held a lock was killed', async () => {
    const runId = await newRun();
    const lock = join(path, '.retrain.trash', `${runId}.lock`);
    writeFileSync(lock, '999999999');
    await tracker.finishRun(runId, 'FAILED', 2);
    expect(read(experiment, runId, 'meta.yaml')).toMatch(/^status: 4$/m);
  });

  it('finds runs by all their tags, oldest first, without deleted ones', async () => {
    const late = await tracker.createRun({
      experimentId: experiment,
      name: 'late',
      startedAt: 2_000,
      tags: { attempt: "it's", batch: '1' },
    });
    const early = await newRun({ attempt: "it's", batch: '1' });
    await newRun({ attempt: "it's", batch: '2' });
    const gone = await newRun({ attempt: "it's", batch: '1' });
    await tracker.deleteRun(gone);
    await tracker.deleteRun(gone);
    const found = await tracker.findRuns(experiment, { attempt: "it's", batch: '1' });
    expect(found.map((run) => run.runId)).toEqual([early, late]);
    expect(found[0]).toMatchObject({ name: 'batch_3', status: 'RUNNING', startedAt: 1_000 });
    expect([await tracker.hasRun(early), await tracker.hasRun(gone)]).toEqual([true, false]);
    await expect(tracker.setTags(gone, { a: 'b' })).rejects.toThrow(TrackingRefused);
  });

  it('refuses another value of a param, a run it has not, and a path that leads out', async () => {
    const runId = await newRun();
    await tracker.logParams(runId, { depth: 5 });
    await expect(tracker.logParams(runId, { depth: 6 })).rejects.toThrow(TrackingRefused);
    await expect(tracker.logParams('../..', { depth: 6 })).rejects.toThrow('is not in the');
    const out = tracker.logArtifact(runId, 'a/../../../x', Buffer.from(''));
    await expect(out).rejects.toThrow('leads out of its run');
  });

  it('cuts a name that is too long for a file', async () => {
    const runId = await newRun();
    await tracker.logMetrics(
      runId,
      { [`recall/${'リ'.repeat(200)}`]: 1 },
      { step: 1, timestamp: 1 },
    );
    const [name] = readdirSync(join(path, experiment, runId, 'metrics', 'recall'));
    expect(Buffer.byteLength(name!)).toBeLessThanOrEqual(240);
  });

  it('has no registry', async () => {
    const runId = await newRun();
    const modelId = await tracker.logModel(runId, model);
    expect(await tracker.registerModel({ name: 'm', modelId, runId })).toBeNull();
  });

  it('says what is in the way', async () => {
    const file = join(path, '..', 'file');
    writeFileSync(file, '');
    const check = createFilesTracker({ path: file }).check();
    await expect(check).rejects.toThrow(`the tracking directory ${file} cannot be used (`);
    await expect(check).rejects.toThrow(TrackingRefused);
  });

  it('gives up when its caller does', async () => {
    const signal = AbortSignal.abort(new Error('cancelled'));
    await expect(tracker.withSignal(signal).ensureExperiment('e')).rejects.toThrow('cancelled');
  });
});

describe('a directory that is another', () => {
  it('is refused by both names, though its path is the same; one that moved or is a server is not', async () => {
    const other = createFilesTracker({ path: join(path, '..', 'other') });
    await other.check();
    expect(() => refuseOtherFolder({ tracker: other }, tracker.place())).toThrow(path);
    expect(() => refuseOtherFolder({ tracker: other }, tracker.place())).toThrow(
      join(path, '..', 'other'),
    );
    expect(() => refuseOtherFolder({ tracker }, 'http://localhost:5000')).not.toThrow();
    const before = tracker.place();
    refuseOtherFolder({ tracker }, before);
    rmSync(path, { recursive: true });
    mkdirSync(path);
    await tracker.check();
    expect(tracker.place()).not.toBe(before);
    expect(() => refuseOtherFolder({ tracker }, before)).toThrow('does not share');
  });
});
