import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { checkRun } from '../../client/check-run.ts';
import { loadConfig } from '../../config/environment.ts';
import { paramsOf } from '../../pipeline/models/params.ts';
import { openWholeRuns } from '../support/whole-runs.ts';

/** What a client refuses before a workflow starts. */

const folder = mkdtempSync(join(tmpdir(), 'check run '));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

const config = loadConfig(folder, {});

function check(batch: number, data: object): Promise<void> {
  return checkRun(config, { pipeline: 'p', batch }, paramsOf({}, { data }), undefined);
}

const rows = Array.from({ length: 120 }, (_, i) => `${i % 7},${i % 2 ? 'odd' : 'even'}`);
const file = join(folder, 'table.csv');
writeFileSync(file, `a,label\n${rows.join('\n')}\n`);

describe('a run of a new pipeline', () => {
  it('of the built-in data has three batches', async () => {
    await check(3, {});
    await expect(check(9, {})).rejects.toThrow(
      'batch 9 does not exist: the source has 150 rows, which make 3 batches of 50',
    );
  });

  it('of a file has as many batches as its rows make, and needs the target', async () => {
    const data = { source: file, target: 'label' };
    await check(3, data);
    await expect(check(4, data)).rejects.toThrow(
      'batch 4 does not exist: the source has 120 rows, which make 3 batches of 50',
    );
    await expect(check(1, { ...data, target: 'lable' })).rejects.toThrow(
      'table.csv has no column "lable" to predict, only "a", "label": set data.target to one of them',
    );
  });

  it('of a folder has at most a batch for each file', async () => {
    const arrivals = `${join(folder, 'in')}/`;
    mkdirSync(arrivals);
    for (const name of ['1.csv', '2.csv']) writeFileSync(join(arrivals, name), 'a,label\n1,x\n');
    const data = { source: arrivals, target: 'label' };
    await check(2, data);
    await expect(check(3, data)).rejects.toThrow(
      'batch 3 of p has not arrived: its source has files up to batch 2',
    );
  });

  it('warns that a file is not on this machine, and leaves it to the worker', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const nowhere = join(folder, 'nowhere.csv');
    await check(2, { source: nowhere });
    expect(said.mock.calls.join('')).toContain(
      `${nowhere} is not on this machine: the worker looks for it in its own project folder`,
    );
  });

  it('leaves what only a worker can read to it', async () => {
    for (const source of ['https://example.com/table.csv', 's3://bucket/arrivals/'])
      await expect(check(9, { source })).resolves.toBeUndefined();
  });
});

describe('a run of a pipeline whose source is gone', () => {
  it('says that a batch which is not cut yet is cut from the stored rows', async () => {
    const runs = openWholeRuns();
    runs.write('in/few.csv', `a,label\n${rows.join('\n')}\n`);
    const data = { source: './in/few.csv', target: 'label' };
    await runs.run(1, { pipeline: 'few', params: { data } });
    const ledger = await runs.store.ledgers.read('few');
    runs.close();
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const params = paramsOf({}, { data });
    await checkRun(config, { pipeline: 'few', batch: 1 }, params, ledger);
    expect(said).not.toHaveBeenCalled();
    await checkRun(config, { pipeline: 'few', batch: 2 }, params, ledger);
    expect(said.mock.lastCall).toMatchObject([
      expect.stringMatching(
        /few\.csv is not on this machine: batch 2 is cut from the rows that are stored/,
      ),
    ]);
    await checkRun(config, { pipeline: 'few', batch: 3 }, params, ledger);
    expect(said.mock.lastCall).toMatchObject([
      expect.stringContaining(
        'unless the worker has it, batch 3 is cut from the rows that are stored',
      ),
    ]);
    await checkRun(config, { pipeline: 'few', batch: 1, refresh: true }, params, ledger);
    expect(said.mock.lastCall).toMatchObject([
      expect.stringContaining('the worker looks for it in its own project folder'),
    ]);
  });
});
