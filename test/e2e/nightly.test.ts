import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findStage } from '../../contract/stages.ts';
import type { Shown } from '../../client/commands/schedule/show.ts';
import { batchesAt } from '../../store/ledger/ledger.ts';
import { labelled } from '../support/csv.ts';
import { largestPayloadIn, MOST_PAYLOAD } from '../support/payloads.ts';
import { runClient } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';

/** What is pending, what is amended, and what is stale, through the real stack, on another task queue. */

const project = withProject('nightly', {
  env: { RETRAIN_TASK_QUEUE: 'nights' },
  prepare: ({ editParams, folder, write }) => {
    mkdirSync(join(folder, 'incoming'));
    write('incoming/a.csv', labelled(40, 1));
    write('incoming/b.csv', labelled(60, 2));
    editParams({
      'pipeline: iris': 'pipeline: sales',
      'source: iris': 'source: incoming/',
      'target: species': 'target: label',
    });
  },
});
const { store, temporal } = project;

async function client(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const { code, ...said } = await project.client(...args);
  expect(said.stderr).not.toContain('error');
  expect(code).toBe(0);
  return said;
}

async function stale(): Promise<unknown> {
  return (JSON.parse((await client('list', '--json')).stdout) as { stale: unknown }).stale;
}

describe('a night', () => {
  it('runs what has arrived, and the next has nothing to do', async () => {
    const { stdout } = await client('nightly', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      state: expect.stringContaining('batches 1–2 of sales done'),
      batches: [
        { batch: 1, promotion: { state: 'promoted', champion: { version: 1 } } },
        { batch: 2, score: { name: 'accuracy', value: expect.any(Number) } },
      ],
    });
    expect((await client('nightly')).stdout).toContain(
      'nothing to do: no batch of sales is pending',
    );
  });
});

describe('a nightly that nobody works on', () => {
  it('is left by Ctrl-C, and joined by who asks for the same', async () => {
    const { folder } = project;
    const env = { ...project.env, RETRAIN_TASK_QUEUE: 'nobody' };
    const idle = ['nightly', '--pipeline', 'idle'];
    const left = await runClient([...idle, '--json'], folder, env, 'no worker is there');
    expect(left).toMatchObject({ code: 130 });
    expect(JSON.parse(left.stdout)).toMatchObject({ status: 'running', pipeline: 'idle' });
    expect(left.stderr).toContain('the nightly continues');
    const again = await runClient(idle, folder, env, 'no worker is there');
    expect(again.stderr).toContain('waiting for it');
    expect(again.code).toBe(130);
    const other = await runClient([...idle, '--set', 'model.max_depth=3'], folder, env);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('idle-nightly was started with other --set');
    await temporal.workflow.getHandle('idle-nightly').terminate();
  });
});

describe('amending a batch', () => {
  it('that is not there, or with a file that does not fit, changes nothing and says why', async () => {
    project.write('short.csv', 'a,b\n1,2\n');
    const ledger = await store.ledgers.read('sales');
    const missing = await project.client('amend', '3', '--source', 'short.csv');
    expect(missing.stderr).toContain('batch 3 of sales has not been cut');
    const unfit = await project.client('amend', '1', '--source', 'short.csv');
    expect(unfit.stderr).toContain('short.csv lacks column "label"');
    expect([missing.code, unfit.code]).toEqual([1, 1]);
    expect(await store.ledgers.read('sales')).toEqual(ledger);
  });

  it('makes the versions stale that rest on it, and keeps what it was', async () => {
    project.write('corrected.csv', labelled(45, 7));
    const before = (await store.ledgers.read('sales'))!;
    const { stdout } = await client('amend', '1', '--source', 'corrected.csv', '--json');
    const both = [
      { version: 1, batches: [1] },
      { version: 2, batches: [1] },
    ];
    expect(JSON.parse(stdout)).toMatchObject({
      changed: true,
      ledgerRevision: before.revision + 1,
      stale: both,
      champion: { build: 1, batches: [1] },
    });
    expect((await client('champion')).stderr).toContain('was trained on batch 1 as before');
    expect(await stale()).toEqual(both);
    const now = (await store.ledgers.read('sales'))!;
    expect(now.batches[0]).toMatchObject({ rows: 45, from: null });
    expect(batchesAt(now, 2, before.revision)).toEqual(batchesAt(before, 2));
  });

  it('by two at once loses neither: both are revisions, and one is current', async () => {
    project.write('one.csv', labelled(46, 8));
    project.write('two.csv', labelled(47, 9));
    const { revision } = (await store.ledgers.read('sales'))!;
    await Promise.all(['one.csv', 'two.csv'].map((file) => client('amend', '1', '--source', file)));
    const now = (await store.ledgers.read('sales'))!;
    expect(now.revision).toBe(revision + 2);
    const { rows, replaced } = now.batches[0]!;
    expect(new Set([rows, replaced[0]!.rows])).toEqual(new Set([46, 47]));
  });

  it('rebuilds just those; with the same rows it is said that nothing is changed', async () => {
    await client('amend', '1', '--source', 'corrected.csv');
    const again = await client('amend', '1', '--source', 'corrected.csv', '--rebuild');
    expect(again.stderr).toContain('holds these rows already: nothing is changed');
    expect(again.stdout).toContain('batches 1–2 of sales done');
    expect(again.stdout).toMatch(/^batch 2 .* champion .*2\.2 /m);
    expect(await stale()).toEqual([]);
    const { stdout } = await client('diff', '1.1', '1.2', '--json');
    expect(stdout).toContain('45');
    expect((await store.records.read('sales', 1, 1))!.seq).toBe(1);
  });

  it('has the gate compare the rebuilt version with the champion, which rests on the old rows', async () => {
    const before = (await store.champions.read('sales'))!;
    const rebuilt = await store.records.latest('sales', 2);
    expect(rebuilt.seq).toBeGreaterThan(1);
    const { facts } = findStage(rebuilt.stages, 'gate')!;
    expect(facts.champion).toMatch(/^2\.\d+$/);
    const promoted = before.events.some(({ version, seq }) => version === 2 && seq === rebuilt.seq);
    expect(promoted).toBe(facts.outcome === 'promote');
    expect(facts.reason).not.toBe('');
  });
});

describe('a schedule', () => {
  const shown = async (
    ...args: string[]
  ): Promise<Shown & { created: boolean; warnings: string[] }> =>
    JSON.parse((await client('schedule', ...args, '--json')).stdout) as never;

  it('is created for half past four in the time zone that is named', async () => {
    const made = await shown('create', '--timezone', 'Europe/Berlin', '--jitter', '0s');
    expect(made).toMatchObject({ created: true, cron: '30 4 * * *', timezone: 'Europe/Berlin' });
    const hour = { hour: 'numeric', hour12: false, timeZone: 'Europe/Berlin' } as const;
    expect(made.next.length).toBeGreaterThan(0);
    for (const next of made.next) expect(new Date(next).toLocaleString('en', hour)).toBe('04');
  });

  it('is warned of, where daylight saving skips its start or doubles it', async () => {
    const warn = async (...args: string[]): Promise<string[]> =>
      (await shown('create', ...args)).warnings;
    expect(await warn('--at', '02:30', '--timezone', 'Europe/Berlin')).toEqual([
      expect.stringMatching(
        /^02:30 does not exist in Europe\/Berlin on \d{4}-03-\d\d, and the schedule does not start then: choose a time outside 02:00–03:00/,
      ),
    ]);
    expect(await warn('--at', '01:30', '--timezone', 'America/New_York')).toEqual([
      expect.stringMatching(/^01:30 occurs twice in America\/New_York on \d{4}-11-\d\d/),
    ]);
    expect(await warn('--cron', '*/10 * * * *', '--timezone', 'Europe/Berlin')).toEqual([]);
    expect(await warn('--timezone', 'Europe/Berlin')).toEqual([]);
  });

  it('keeps a pause that was set elsewhere, with its note, when it is created again', async () => {
    const handle = temporal.schedule.getHandle('sales-nightly');
    await handle.pause('from the Web UI');
    const again = await shown('create', '--at', '03:30', '--timezone', 'UTC', '--note', 'mine');
    expect(again).toMatchObject({
      created: false,
      cron: '30 3 * * *',
      paused: true,
      note: 'from the Web UI',
    });
    expect((await handle.describe()).policies).toMatchObject({
      overlap: 'SKIP',
      pauseOnFailure: true,
      catchupWindow: 12 * 3_600_000,
    });
    expect((await shown('resume')).paused).toBe(false);
  });

  it.each([
    [['--cron', '0 2 30 2 *'], 'never starts'],
    [['--cron', 'every night'], 'is not valid'],
    [['--cron', '61 * * * *'], 'is not valid'],
    [['--jitter', 'a while'], 'is no duration'],
    [['--timezone', 'Mars/Olympus'], 'is not valid'],
    [['--at', '25:00'], 'expected a time of day'],
    [['--set', 'model.max_depth=0'], 'model.max_depth is 0'],
  ])('%j is refused in a sentence, and the existing one is left', async (args, sentence) => {
    const refused = await project.client('schedule', 'create', ...args);
    expect(refused.stderr).toContain(sentence);
    expect(refused.code).toBe(2);
    expect((await shown('describe')).cron).toBe('30 3 * * *');
  });

  it('starts a nightly when it is triggered, and reports its result', async () => {
    await client('schedule', 'trigger');
    await expect
      .poll(async () => (await shown('describe')).last[0], { timeout: 120_000, interval: 2_000 })
      .toMatchObject({ status: 'completed', said: expect.stringContaining('nothing to do') });
    await client('schedule', 'delete');
    const gone = await project.client('schedule', 'describe');
    expect(gone.stderr).toContain('there is no schedule sales-nightly');
  });
});

it('nothing over 8 KiB has crossed, in nightlies and rebuilds alike', async () => {
  const { bytes, runs } = await largestPayloadIn(project);
  expect(runs).toBeGreaterThan(5);
  expect(bytes).toBeLessThan(MOST_PAYLOAD);
});
