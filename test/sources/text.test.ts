import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { fileName, kindOf, sourceIdentity } from '../../sources/identity.ts';
import { toUtf8 } from '../../sources/text.ts';
import { parseCsv } from '../pipeline/support.ts';
import { readSource } from './read-source.ts';
import { countOpen, needsOpenFiles } from '../support/open-files.ts';
import { SOON } from '../support/soon.ts';

const root = mkdtempSync(join(tmpdir(), 'sources '));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function write(name: string, bytes: string | Uint8Array): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

describe('what data.source names', () => {
  it.each([
    ['iris', 'iris', 'iris', 'iris.csv'],
    ['./in/wine.csv', 'file', 'wine.csv', 'wine.csv'],
    ['in/wine.csv.gz', 'file', 'wine.csv', 'wine.csv'],
    ['in/', 'folder', 'in', 'in'],
    ['s3://bucket/a/wine.csv.gz', 's3', 's3://bucket/a/wine.csv.gz', 'wine.csv'],
    ['s3://bucket/a/', 'prefix', 's3://bucket/a/', 'a'],
    ['dvc://data/wine.csv.dvc', 'dvc', 'wine.csv', 'wine.csv'],
    ['https://host/a%20b/wine.csv', 'url', 'https://host/a%20b/wine.csv', 'wine.csv'],
    ['https://host/', 'url', 'https://host/', 'data.csv'],
    ['https://host/..%2f..%2fx', 'url', 'https://host/..%2f..%2fx', 'x'],
  ])('%s is a source of the kind %s', (source, kind, name, file) => {
    expect(sourceIdentity(source)).toEqual({ kind, name });
    expect(fileName(source)).toBe(file);
  });

  it('keeps the query of a URL apart, and to itself', () => {
    const of = (query: string) => sourceIdentity(`https://host/x.csv?${query}`).name;
    expect(of('table=a')).not.toBe(of('table=b'));
    expect(of('table=a')).not.toContain('table');
  });

  it('says which schemes there are', () => {
    expect(() => kindOf('ftp://host/x.csv')).toThrow(/http\(s\) URL, s3:\/\/bucket\/key/);
  });
});

describe('the text of a source', () => {
  it.each([
    ['with a byte order mark', '\uFEFFa,b\n1,2\n', [['1', '2']]],
    ['with CRLF', 'a,b\r\n1,2\r\n', [['1', '2']]],
    ['with CR', 'a,b\r1,2\r', [['1', '2']]],
    ['with line breaks in quotes', 'a,b\n"1\r\nx","2\ny"\n', [['1\r\nx', '2\ny']]],
    ['without a final line break', 'a,b\n1,2', [['1', '2']]],
  ])('%s is read right, compressed or not', async (_, text, rows) => {
    for (const bytes of [Buffer.from(text), gzipSync(text)]) {
      const brought = await readSource(write('right.csv', bytes));
      expect(parseCsv(Buffer.from(brought!.text), 'right.csv')).toEqual({
        header: ['a', 'b'],
        rows,
      });
    }
  });

  it.each([';', '\t', '|', ':'])('is cut at the delimiter it has: %j', (delimiter) => {
    const line = `"q${delimiter}q"${delimiter}2,5\n`;
    expect(parseCsv(Buffer.from(`a${delimiter}b\n${line}`), 'x.csv', delimiter)).toEqual({
      header: ['a', 'b'],
      rows: [[`q${delimiter}q`, '2,5']],
    });
  });

  it('in Latin-1 comes as UTF-8, with what Windows adds to it', async () => {
    const path = write('latin.csv', Buffer.from('name\nM\xfcller \x80 5 \x93x\x94\n', 'latin1'));
    expect((await readSource(path, { encoding: 'latin1' }))!.text).toBe('name\nMüller € 5 “x”\n');
  });

  it('in Latin-1 is the same however it comes in pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), fc.nat(50), (bytes, cut) => {
        const whole = Buffer.from(toUtf8(bytes)).toString();
        const parts = [bytes.subarray(0, cut), bytes.subarray(cut)].map(toUtf8);
        expect(Buffer.concat(parts).toString()).toBe(whole);
        expect(whole).toHaveLength(bytes.length);
      }),
    );
  });

  it.each([
    ['zip', [0x50, 0x4b, 3, 4, 0], 'is a zip archive or a workbook'],
    ['old workbook', [0xd0, 0xcf, 0x11, 0xe0, 0], 'is an old workbook'],
    ['UTF-16', [0xff, 0xfe, 0x61, 0, 0], 'is UTF-16'],
    ['bzip2', [0x42, 0x5a, 0x68, 0x39, 0], 'is compressed with bzip2'],
    ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a], 'is compressed with xz'],
    ['zstd', [0x28, 0xb5, 0x2f, 0xfd, 0], 'is compressed with zstd'],
    ['Parquet', [0x50, 0x41, 0x52, 0x31, 0], 'is a Parquet file'],
  ])('that is %s is refused by name, compressed or not', async (name, bytes, reason) => {
    for (const encoding of ['utf-8', 'latin1'] as const)
      for (const held of [Buffer.from(bytes), gzipSync(Buffer.from(bytes))]) {
        const refused = readSource(write(`${name}.csv`, held), { encoding });
        await expect(refused).rejects.toMatchObject({ name: 'BadData' });
        await expect(refused).rejects.toThrow(reason);
      }
  });

  it('leaves no file open that is refused', needsOpenFiles, async () => {
    const path = write(
      'many.csv',
      Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(9e4)]),
    );
    for (let i = 0; i < 5; i++) await expect(readSource(path)).rejects.toThrow('zip archive');
    await vi.waitFor(() => expect(countOpen(path)).toBe(0), SOON);
  });

  it('says when UTF-8 is called Latin-1', async () => {
    const path = write('marked.csv', '\uFEFFa\n');
    await expect(readSource(path, { encoding: 'latin1' })).rejects.toThrow(
      /set data\.encoding to utf-8/,
    );
  });
});

describe('a dvc:// source', () => {
  const dvcFile = (md5: string) => `outs:\n- md5: ${md5}\n  hash: md5\n  path: wine.csv\n`;
  const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
  const S3 = '[core]\n    remote = store\n[\'remote "store"\']\n    url = s3://bucket/dvc\n';
  it.each([
    ['no-repo', dvcFile(md5), undefined, 'is not in a DVC repository'],
    [
      'no-remote',
      dvcFile(md5),
      '[core]\n',
      'is in a repository without a default remote: run "dvc remote add -d',
    ],
    ['gone', dvcFile(md5), '[core]\n    remote = x\n', 'has no remote "x"'],
    ['ssh', dvcFile(md5), S3.replace('s3://', 'ssh://'), 'is not S3 (ssh)'],
    ['folder', dvcFile(`${md5}.dir`), S3, 'names a directory (wine.csv)'],
    ['yaml', 'outs: [', S3, 'cannot be read as YAML'],
    ['other', 'stages: {}\n', S3, 'is not a .dvc file'],
    [
      'secret',
      dvcFile(md5),
      `${S3}    endpointurl = http://a:b@c\n`,
      'is not an http(s) URL without credentials',
    ],
  ])('that cannot be followed says why: %s', async (name, file, config, sentence) => {
    write(`${name}/wine.csv.dvc`, file);
    if (config !== undefined) write(`${name}/.dvc/config`, config);
    const refused = readSource(`dvc://${join(root, name, 'wine.csv.dvc')}`);
    await expect(refused).rejects.toThrow(sentence);
    await expect(refused).rejects.toMatchObject({ name: 'BadData' });
  });
});
