import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket } from '../../store/bucket.ts';
import { md5, sha256 } from '../../store/hash.ts';
import { openBucket } from '../../store/index.ts';
import type { S3Server } from '../support/s3-servers.ts';
import { place, readSource } from './read-source.ts';

const CSV = 'a,b,label\r\n1,2,yes\r\n';

/** Tables in S3, and in the remotes of DVC repositories. */
export function holdsS3SourceContract(open: () => Promise<S3Server>): void {
  let server: S3Server;
  let bucket: Bucket;
  const name = `source-${randomUUID()}`;
  const folder = mkdtempSync(join(tmpdir(), 'dvc source '));

  const put = (key: string, text: string | Uint8Array): Promise<unknown> => {
    const bytes = Buffer.from(text);
    return bucket.put(key, bytes, { sha256: sha256(bytes) });
  };
  const options = () => ({ s3: server.options('not-this-one') });

  beforeAll(async () => {
    server = await open();
    bucket = openBucket(server.options(name));
    await bucket.ensure();
    await put('in/wine.csv', CSV);
    await put('in/wine.csv.gz', gzipSync(CSV));
    await put('in/large.csv', Buffer.alloc(place.limits.bytes + 1, 'x'));
  });

  afterAll(async () => {
    bucket?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('come whole, and not again while their ETag is the one known', async () => {
    const brought = await readSource(`s3://${name}/in/wine.csv`, options());
    expect(brought).toMatchObject({ text: CSV, path: 'data/raw/wine.csv' });
    const again = { ...options(), known: brought!.stamp };
    expect(await readSource(`s3://${name}/in/wine.csv`, again)).toBeUndefined();
    await put('in/wine.csv', `${CSV}3,4,no\r\n`);
    expect((await readSource(`s3://${name}/in/wine.csv`, again))?.text).toBe(`${CSV}3,4,no\r\n`);
    expect((await readSource(`s3://${name}/in/wine.csv.gz`, options()))?.text).toBe(CSV);
  });

  it.each([
    ['a key that is not there', `s3://${name}/nowhere.csv`, 'is not there on'],
    ['a bucket that is not there', 's3://no-such-bucket-here/x.csv', 'is not there on'],
    [
      'one larger than the bound',
      `s3://${name}/in/large.csv`,
      'is larger than the limit of 100000 bytes',
    ],
  ])('%s: refused', async (_, source, reason) => {
    const refused = readSource(source, options());
    await expect(refused).rejects.toThrow(reason);
    await expect(refused).rejects.toMatchObject({ name: 'SourceRefused' });
  });

  describe('by a .dvc file', () => {
    function repository(file: string, config = ''): string {
      const { endpoint } = server.options(name);
      mkdirSync(join(folder, '.dvc'), { recursive: true });
      writeFileSync(
        join(folder, '.dvc', 'config'),
        `[core]\n    remote = store\n['remote "store"']\n    url = s3://${name}/dvc/\n    endpointurl = ${endpoint}\n${config}`,
      );
      writeFileSync(join(folder, 'wine.csv.dvc'), file);
      return `dvc://${join(folder, 'wine.csv.dvc')}`;
    }
    const keyOf = (hash: string): string => `${hash.slice(0, 2)}/${hash.slice(2)}`;
    // The server is the remote's own, not the one configured for other sources.
    const elsewhere = () => ({ s3: { ...server.options('x'), endpoint: 'http://127.0.0.1:9' } });

    it('come by hash, and not again while the file names the same', async () => {
      const hash = md5(CSV);
      await put(`dvc/files/md5/${keyOf(hash)}`, CSV);
      const source = repository(`outs:\n- md5: ${hash}\n  hash: md5\n  path: wine.csv\n`);
      const brought = await readSource(source, elsewhere());
      expect(brought).toMatchObject({ text: CSV, path: 'data/raw/wine.csv' });
      expect(await readSource(source, { ...elsewhere(), known: brought!.stamp })).toBeUndefined();
    });

    it('come from the old layout, where text was hashed without its CRs', async () => {
      const text = `${CSV}old,1,no\r\n`;
      const hash = md5(text.replaceAll('\r\n', '\n'));
      await put(`dvc/${keyOf(hash)}`, text);
      const source = repository(`outs:\n- md5: ${hash}\n  path: wine.csv\n`);
      expect((await readSource(source, elsewhere()))?.text).toBe(text);
    });

    it('come from the remote that is set for the output, before that of the repository', async () => {
      const hash = md5(`${CSV}own`);
      await put(`own/files/md5/${keyOf(hash)}`, `${CSV}own`);
      const { endpoint } = server.options(name);
      const own = `['remote "own"']\n    url = s3://${name}/own\n    endpointurl = ${endpoint}\n`;
      const out = `- md5: ${hash}\n  hash: md5\n  path: wine.csv\n  remote: own\n`;
      const source = repository(`outs:\n${out}`, own);
      expect((await readSource(source, elsewhere()))?.text).toBe(`${CSV}own`);
    });

    it('are refused when the remote lacks them, or has other bytes', async () => {
      const absent = repository(`outs:\n- md5: ${md5('x')}\n  hash: md5\n  path: wine.csv\n`);
      await expect(readSource(absent, elsewhere())).rejects.toThrow(
        /run "dvc push" in its repository/,
      );
      await put(`dvc/files/md5/${keyOf(md5('y'))}`, 'not y');
      const spoilt = repository(`outs:\n- md5: ${md5('y')}\n  hash: md5\n  path: wine.csv\n`);
      await expect(readSource(spoilt, elsewhere())).rejects.toThrow(/is damaged/);
    });
  });
}
