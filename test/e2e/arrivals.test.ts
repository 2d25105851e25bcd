import { appendFileSync, mkdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { trainBatch } from '../../workflows/index.ts';
import { sha256 } from '../../store/hash.ts';
import type { Ledger } from '../../store/ledger/ledger.ts';
import { labelled, labelledFlags } from '../support/csv.ts';
import { withProject } from '../support/with-project.ts';

/** A folder and a prefix where each new file is a batch, through the real stack. */

const project = withProject('arrivals');
const { store, temporal } = project;

async function ledgerOf(pipeline: string): Promise<Ledger> {
  return (await store.ledgers.read(pipeline))!;
}

const namesOf = ({ arrivals }: Ledger): string[] => arrivals.map(({ name }) => name);

describe('a folder', () => {
  const run = (batch: number) =>
    project.client('run', String(batch), ...labelledFlags('inbox', 'incoming/'), '--json');

  beforeAll(() => mkdirSync(join(project.folder, 'incoming')));

  const put = (name: string, text: string | Uint8Array): string =>
    project.write(join('incoming', name), text);

  it('brings a batch with each file, in the order of their names within one look', async () => {
    put('b.csv', labelled(60, 2));
    put('a.csv', labelled(40, 1));
    const { code, stderr, stdout } = await run(2);
    expect(stderr).not.toContain('error');
    expect(code).toBe(0);
    const ledger = await ledgerOf('inbox');
    expect(namesOf(ledger)).toEqual(['a.csv', 'b.csv']);
    expect(ledger.batches.map(({ rows, from }) => [rows, from])).toEqual([
      [40, null],
      [60, null],
    ]);
    const { stages } = JSON.parse(stdout) as { stages: { outputs: { path: string }[] }[] };
    expect(stages[0]!.outputs.map(({ path }) => path)).toContain('data/raw/files/');
  });

  it('puts a file with an earlier name that comes later after those seen before', async () => {
    put('0-late.csv.gz', gzipSync(labelled(30, 3)));
    put('c-empty.csv', '');
    const pending = await project.client('pending', ...labelledFlags('inbox', 'incoming/'));
    expect(pending.stderr).toContain('c-empty.csv in incoming/ is quarantined: it is empty');
    // Version 2 is there, version 1 was not asked for.
    expect(pending.stdout).toMatch(
      /batch +rows +file +data\n +1 +40 +a\.csv +known\n +3 +30 +0-late\.csv\.gz +new\n$/,
    );
    expect((await run(3)).code).toBe(0);
    const ledger = await ledgerOf('inbox');
    expect(namesOf(ledger)).toEqual(['a.csv', 'b.csv', '0-late.csv.gz']);
    expect(ledger.batches[2]).toMatchObject({ rows: 30 });
    // It is unpacked for the batch, and kept as it came.
    const batch = Buffer.from(await store.artifacts.get(ledger.batches[2]!.ref)).toString();
    expect(batch).toBe(labelled(30, 3));
    const raw = await store.artifacts.get(ledger.raw[2]!.ref);
    expect(Buffer.from(raw).subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
  });

  it('quarantines what cannot be used, by name and with the reason, and the others go on', async () => {
    put('b-zip.csv', Buffer.from([0x50, 0x4b, 3, 4, 0]));
    put('c-empty.csv', '');
    put('d-ragged.csv', 'a,b,label\n1,2\n');
    put('e-other.csv', 'x,y\n1,2\n');
    put('f.csv', labelled(20, 4));
    put('g.csv.part', labelled(10, 5));
    put('_SUCCESS', '');
    const { code, stdout } = await run(4);
    expect(code).toBe(0);
    const ledger = await ledgerOf('inbox');
    expect(namesOf(ledger).slice(3)).toEqual(['f.csv']);
    expect(ledger.quarantined.map(({ name, reason }) => [name, reason])).toEqual([
      ['b-zip.csv', expect.stringContaining('is a zip archive or a workbook')],
      ['c-empty.csv', expect.stringContaining('it is empty')],
      ['d-ragged.csv', expect.stringContaining('line 2, has 2 cells')],
      ['e-other.csv', expect.stringContaining('lacks columns "a", "b"')],
    ]);
    const { warnings } = JSON.parse(stdout) as { warnings: string[] };
    expect(warnings.join()).toContain('c-empty.csv in incoming/ is quarantined: it is empty');
  });

  it('takes a quarantined file as new once it is repaired', async () => {
    put('d-ragged.csv', labelled(25, 6));
    expect((await run(5)).code).toBe(0);
    const ledger = await ledgerOf('inbox');
    expect(namesOf(ledger).at(-1)).toBe('d-ragged.csv');
    expect(ledger.quarantined.map(({ name }) => name)).toEqual([
      'b-zip.csv',
      'c-empty.csv',
      'e-other.csv',
    ]);
  });

  it('keeps a batch as it is when its file is written again, and names amend', async () => {
    put('a.csv', labelled(41, 9));
    put('b.csv', labelled(60, 2).replaceAll('\n', '\r\n')); // the same rows
    const { code, stdout } = await run(5);
    expect(code).toBe(0);
    const { warnings } = JSON.parse(stdout) as { warnings: string[] };
    expect(warnings.join()).toMatch(
      /a\.csv in incoming\/ has other rows now than batch 1.*amend 1/,
    );
    expect(warnings.join()).not.toContain('b.csv');
    expect((await ledgerOf('inbox')).batches[0]!.rows).toBe(40);
  });

  it('says what has arrived when asked for more, and what is still being written', async () => {
    const file = put('h.csv', labelled(20, 7));
    const writing = setInterval(() => appendFileSync(file, '1,2,low\n'), 100);
    try {
      const { code, stdout } = await run(6);
      expect(code).toBe(1);
      const { error } = JSON.parse(stdout) as { error: { type: string; message: string } };
      expect(error.type).toBe('MissingHistory');
      expect(error.message).toContain(
        'batch 6 has not arrived: incoming/ has had 5 files; b-zip.csv in incoming/ is quarantined',
      );
    } finally {
      clearInterval(writing);
    }
  });

  it('is looked at by the worker too, inside its project folder and nowhere else', async () => {
    mkdirSync(join(project.folder, 'drop'));
    project.write('drop/1.csv', labelled(50, 1));
    const start = (source: string, workflowId: string) =>
      temporal.workflow.execute<typeof trainBatch>('trainBatch', {
        workflowId,
        taskQueue: 'incremental-training',
        args: [{ batch: 1, pipeline: 'drop', params: { data: { source, target: 'label' } } }],
      });
    const { version } = await start('drop/', 'drop-batch-1');
    expect(version).toMatchObject({ version: 1 });
    expect(namesOf(await ledgerOf('drop'))).toEqual(['1.csv']);
    const outside = start('../', 'outside').catch((error: unknown) => error);
    expect(await outside).toMatchObject({
      cause: { type: 'BadParams' },
    });
  });
});

describe('a prefix', () => {
  it('brings a batch with each object right under it', async () => {
    const bucket = project.env['RETRAIN_BUCKET']!;
    const put = async (key: string, text: string) => {
      const bytes = Buffer.from(text);
      await store.bucket.put(key, bytes, { sha256: sha256(bytes) });
    };
    await put('in coming/2.csv', labelled(30, 2));
    await put('in coming/1.csv', labelled(30, 1));
    await put('in coming/deeper/0.csv', labelled(30, 3));
    const source = `s3://${bucket}/in coming/`;
    const { code, stderr } = await project.client('run', '2', ...labelledFlags('prefix', source));
    expect(stderr).not.toContain('error');
    expect(code).toBe(0);
    expect(namesOf(await ledgerOf('prefix'))).toEqual(['1.csv', '2.csv']);
  });

  it('that is in no bucket is said', async () => {
    const run = await project.client(
      'run',
      '1',
      ...labelledFlags('nowhere', 's3://no-such-bucket-here/x/'),
    );
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('there is no bucket no-such-bucket-here');
  });
});
