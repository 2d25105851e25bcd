import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { md5, sha256 } from '../../store/hash.ts';
import { openOddServer, type OddServer } from '../support/odd-server.ts';
import { withProject } from '../support/with-project.ts';

/** Each kind of source, from the command line through a real worker into the ledger. */

const rows = Array.from({ length: 60 }, (_, i) => `${i},${i % 7},${i % 2 ? 'odd' : 'even'}`);
const CSV = `a,b,label\n${rows.join('\n')}\n`;

let web: OddServer;
let broken = 2;

const project = withProject('sources', { prepare: ({ store }) => store.bucket.ensure() });
const { store } = project;

beforeAll(async () => {
  web = await openOddServer({
    '/table.csv.gz': (_, response) => {
      if (broken-- > 0) return response.writeHead(500).end();
      return response.writeHead(200, { etag: '"first"' }).end(gzipSync(CSV));
    },
  });
});

afterAll(() => web?.close());

async function put(key: string, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  await store.bucket.put(key, bytes, { sha256: sha256(bytes) });
}

async function prepare(pipeline: string, source: string, ...sets: string[]) {
  const set = [`data.source=${source}`, 'data.target=label', ...sets].flatMap((one) => [
    '--set',
    one,
  ]);
  const args = ['run', '2', '--until', 'prepare_batch', '--pipeline', pipeline, ...set];
  const { code, stderr } = await project.client(...args);
  return { code, stderr, ledger: await store.ledgers.read(pipeline) };
}

describe('a source', () => {
  it('at a URL comes compressed after failures, and its state is remembered', async () => {
    const { code, stderr, ledger } = await prepare('web', web.url('/table.csv.gz'));
    expect(stderr).not.toContain('error');
    expect(code).toBe(0);
    expect(web.asked).toHaveLength(3);
    expect(ledger).toMatchObject({
      settings: { source: { kind: 'url', name: web.url('/table.csv.gz') } },
      raw: [{ etag: '"first"', rows: 60, ref: { path: 'data/raw/table.csv' } }],
      batches: [{ rows: 50 }, { rows: 10 }],
    });
    const raw = await store.artifacts.get(ledger!.raw[0]!.ref);
    expect(Buffer.from(raw).toString()).toBe(CSV);
    // A batch that is cut is never fetched again.
    expect((await prepare('web', web.url('/table.csv.gz'))).code).toBe(0);
    expect(web.asked).toHaveLength(3);
  });

  it('in S3 is read by the worker', async () => {
    await put('in/table.csv', CSV);
    const source = `s3://${store.bucket.location.bucket}/in/table.csv`;
    const { code, ledger } = await prepare('bucket', source);
    expect(code).toBe(0);
    expect(ledger).toMatchObject({
      settings: { source: { kind: 's3', name: source } },
      batches: [{ rows: 50 }, { rows: 10 }],
    });
  });

  it('named by a .dvc file is fetched by the client, by its hash', async () => {
    const hash = md5(CSV);
    await put(`dvc/files/md5/${hash.slice(0, 2)}/${hash.slice(2)}`, CSV);
    mkdirSync(join(project.folder, '.dvc'));
    const { bucket, endpoint } = store.bucket.location;
    project.write(
      join('.dvc', 'config'),
      `[core]\n    remote = here\n['remote "here"']\n    url = s3://${bucket}/dvc\n    endpointurl = ${endpoint}\n`,
    );
    project.write('table.csv.dvc', `outs:\n- md5: ${hash}\n  hash: md5\n  path: table.csv\n`);
    const { code, ledger } = await prepare('dvc', 'dvc://table.csv.dvc');
    expect(code).toBe(0);
    expect(ledger).toMatchObject({
      settings: { source: { kind: 'dvc', name: 'table.csv' } },
      raw: [{ ref: { md5: hash, path: 'data/raw/table.csv' } }],
    });
  });

  it('with another delimiter and in Latin-1 gives the same kind of batch, and both are frozen', async () => {
    const words = ['gr\xfcn', 'wei\xdf'];
    const lines = Array.from({ length: 60 }, (_, i) => `${i};${words[i % 2]};"a,b"`);
    project.write('semi.csv', Buffer.from(`a;label;c\n${lines.join('\n')}\n`, 'latin1'));
    const reading = ['data.delimiter=;', 'data.encoding=latin1'];
    const { code, ledger } = await prepare('semi', 'semi.csv', ...reading);
    expect(code).toBe(0);
    expect(ledger!.settings).toMatchObject({ delimiter: ';', encoding: 'latin1' });
    const batch = Buffer.from(await store.artifacts.get(ledger!.batches[0]!.ref)).toString();
    expect(batch).toMatch(/^a,label,c\n\d+,(grün|weiß),"a,b"\n/);
    const other = await prepare('semi', 'semi.csv', 'data.encoding=latin1', 'data.delimiter=,');
    expect(other.stderr).toContain('data.delimiter is frozen at ";"');
    const wrong = await prepare('comma', 'semi.csv', 'data.encoding=latin1', 'data.target=x');
    expect(wrong.stderr).toContain(
      'semi.csv has a single column, "a;label;c", when it is split at ",": set data.delimiter to ";"',
    );
  });
});
