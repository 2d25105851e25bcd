import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STAGE_NAMES } from '../../contract/stages.ts';
import { sha256 } from '../../store/hash.ts';
import type { Ledger } from '../../store/ledger/ledger.ts';
import { openOddServer, type OddServer } from '../support/odd-server.ts';
import { withProject } from '../support/with-project.ts';
import { labelledFlags } from '../support/csv.ts';

/** Tables that only grow, from the command line through a real worker: looked at again, never renumbered. */

/** The stages that make a build. */
const BUILD = STAGE_NAMES.filter((stage) => stage !== 'gate');

const row = (i: number): string => `${i},${i % 7},${i % 2 ? 'odd' : 'even'}`;
const table = (count: number, change: Record<number, string> = {}): string =>
  `a,b,label\n${Array.from({ length: count }, (_, i) => `${change[i] ?? row(i)}\n`).join('')}`;

let web: OddServer;
let served = table(100);
/** What the server answered, in turn. */
let answered: number[] = [];

const project = withProject('growing');
const { store } = project;

beforeAll(async () => {
  web = await openOddServer({
    '/table.csv': (request, response) => {
      const etag = `"${sha256(served).slice(0, 12)}"`;
      const same = request.headers['if-none-match'] === etag;
      answered.push(same ? 304 : 200);
      response.writeHead(same ? 304 : 200, { etag }).end(same ? undefined : served);
    },
  });
});

afterAll(() => web?.close());

async function ledgerOf(pipeline: string): Promise<Ledger> {
  return (await store.ledgers.read(pipeline))!;
}

async function textOf({ batches }: Ledger, batch: number): Promise<string> {
  return Buffer.from(await store.artifacts.get(batches[batch - 1]!.ref)).toString();
}

interface Printed {
  stages: { stage: string; cached: boolean; made: string | null }[];
  warnings: string[];
  error: { type: string; message: string };
}

/** Runs the command line; its document, with its exit code. */
async function client(
  ...args: string[]
): Promise<Printed & { code: number | null; stderr: string }> {
  const { code, stdout, stderr } = await project.client(...args, '--json');
  return { ...(JSON.parse(stdout) as Printed), code, stderr };
}

describe('a table at a URL', () => {
  const run = (batch: number, ...more: string[]) =>
    client('run', String(batch), ...labelledFlags('web', web.url('/table.csv')), ...more);

  it('is fetched once for the batches it has, and asked again only with --refresh', async () => {
    expect((await run(2)).code).toBe(0);
    expect(answered).toEqual([200]);
    const printed = await run(2, '--refresh');
    expect(printed.code).toBe(0);
    expect(answered).toEqual([200, 304]);
    expect(printed.stages[0]).toMatchObject({ cached: true, made: '100 rows · 0 new rows' });
  });

  it('brings later batches with --refresh, and leaves those that are cut as they are', async () => {
    const before = await ledgerOf('web');
    served = table(150);
    answered = [];
    const printed = await run(3, '--refresh');
    expect(printed.code).toBe(0);
    expect(answered).toEqual([200]);
    expect(printed.stages[0]).toMatchObject({ made: '150 rows · 50 new rows' });
    const ledger = await ledgerOf('web');
    expect(ledger.batches.slice(0, 2)).toEqual(before.batches);
    expect(ledger.batches[2]).toMatchObject({ batch: 3, rows: 50, from: 0 });
    expect(ledger.raw[1]).toMatchObject({ after: 2, rows: 50, whole: { rows: 150 } });
    const rows = Array.from({ length: 50 }, (_, i) => row(100 + i));
    expect(await textOf(ledger, 3)).toBe(`a,b,label\n${rows.join('\n')}\n`);
    // What was there before is as cached as it was. The gate compares with the champion of now.
    const cached = (await run(2)).stages.filter((stage) => stage.cached);
    expect(cached.map(({ stage }) => stage)).toEqual(expect.arrayContaining(BUILD));
  });

  it('is asked again without --refresh, for a batch that is not known', async () => {
    served = table(180);
    answered = [];
    const { stdout } = await project.client(
      'why',
      '4',
      ...labelledFlags('web', web.url('/table.csv')),
    );
    expect(stdout).toContain('because the known rows do not fill this batch');
    expect((await run(4)).code).toBe(0);
    expect(answered).toEqual([200]);
    expect((await ledgerOf('web')).batches[3]).toMatchObject({ rows: 30 });
    const none = await run(5);
    expect(none.error.message).toContain(
      'batch 5 does not exist: the 180 rows of the source make 4 batches so far',
    );
    expect(answered).toEqual([200, 304]);
  });

  it('with a past that has changed is an error that shows the row and names amend, which is the way on', async () => {
    const before = await ledgerOf('web');
    served = table(230, { 120: '120,99,even' });
    const { code, error } = await run(5, '--refresh');
    expect(code).toBe(1);
    expect(error.type).toBe('BadData');
    expect(error.message).toContain(
      `${web.url('/table.csv')} has changed where it may only grow: row 121 was "120,1,even" and is "120,99,even"; batch 3 of web keeps the rows it has`,
    );
    expect(error.message).toContain('"npx retrain amend 3 --source FILE --pipeline web"');
    expect(await ledgerOf('web')).toEqual(before);

    const rows = Array.from({ length: 50 }, (_, i) => (i === 20 ? '120,99,even' : row(100 + i)));
    project.write('corrected.csv', `a,b,label\n${rows.join('\n')}\n`);
    const amended = await project.client(
      'amend',
      '3',
      ...labelledFlags('web', web.url('/table.csv')),
      '--source',
      'corrected.csv',
    );
    expect(amended.code).toBe(0);
    const printed = await run(5, '--refresh');
    expect(printed.code).toBe(0);
    const ledger = await ledgerOf('web');
    expect(ledger.batches[4]).toMatchObject({ rows: 50 });
    expect(await textOf(ledger, 3)).toContain('120,99,even');
    expect(await textOf(ledger, 5)).toContain(row(180));
  });
});

describe('a table in S3', () => {
  it('brings new rows with --refresh, its shuffled rows first', async () => {
    const put = async (text: string) => {
      const bytes = Buffer.from(text);
      await store.bucket.put('in/table.csv', bytes, { sha256: sha256(bytes) });
    };
    const source = labelledFlags('bucket', `s3://${project.env['RETRAIN_BUCKET']!}/in/table.csv`);
    await put(table(120));
    expect((await client('run', '1', ...source, '--until', 'prepare_batch')).code).toBe(0);
    await put(table(170));
    const printed = await client('run', '4', ...source, '--until', 'prepare_batch', '--refresh');
    expect(printed.code).toBe(0);
    const ledger = await ledgerOf('bucket');
    expect(ledger.batches.map(({ rows }) => rows)).toEqual([50, 50, 50, 20]);
    const texts = await Promise.all([1, 2, 3, 4].map((batch) => textOf(ledger, batch)));
    const rows = texts.flatMap((text) => text.trimEnd().split('\n').slice(1));
    expect(rows.slice(120)).toEqual(Array.from({ length: 50 }, (_, i) => row(120 + i)));
    expect(rows.toSorted()).toEqual(Array.from({ length: 170 }, (_, i) => row(i)).toSorted());
  });
});

describe('a local file', () => {
  it('that has grown is said for a batch that is cut, and taken in for one that is not', async () => {
    const source = labelledFlags('file', 'grow.csv');
    project.write('grow.csv', table(60));
    expect((await client('run', '1', ...source, '--until', 'prepare_batch')).code).toBe(0);
    project.write('grow.csv', table(100));
    const again = await client('run', '1', ...source, '--until', 'prepare_batch');
    expect(again.warnings.join()).toContain(
      'grow.csv has 40 rows that are not known yet: "--refresh" enters them',
    );
    expect((await ledgerOf('file')).raw).toHaveLength(1);
    expect((await client('run', '2', ...source, '--until', 'prepare_batch')).code).toBe(0);
    expect((await ledgerOf('file')).batches[1]).toMatchObject({ rows: 50 });
  });

  it('is looked at by a nightly, which leaves a batch that is not full, and listed by pending', async () => {
    const source = labelledFlags('night', 'night.csv');
    const night = async () => {
      const { code, stdout } = await project.client('nightly', ...source, '--json');
      expect(code).toBe(0);
      return JSON.parse(stdout) as { state: string; warnings: string[] };
    };
    project.write('night.csv', table(70));
    expect(await night()).toMatchObject({
      state: 'batch 1 of night done; version 1 promoted: there is no champion yet',
      warnings: [
        expect.stringContaining('column "a" counts the rows from 0 to 69') as string,
        'batch 2 waits for the rest of its 50 rows: 20 have arrived, and "npx retrain run 2 --pipeline night" cuts it with those',
      ],
    });
    project.write('night.csv', table(130));
    const { stdout, stderr } = await project.client('pending', ...source);
    expect(stdout).toMatch(/^batch +rows +data\n +2 +50 +new\n$/);
    expect(stderr).toContain('batch 3 waits for the rest of its 50 rows: 30 have arrived');
    expect((await ledgerOf('night')).raw).toHaveLength(1);
    expect((await night()).state).toMatch(/^batch 2 of night done; version 2 (promoted|held): /);
    const none = await project.client('pending', ...source);
    expect(none.stdout).toBe('');
    expect(none.stderr).toContain('nothing is pending: each batch of night');
  });
});
