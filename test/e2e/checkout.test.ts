import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CheckedOut } from '../../client/commands/checkout/into-folder.ts';
import { sha256 } from '../../store/hash.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { isDirectory } from '../../contract/ref.ts';
import { output, refused, withProject } from '../support/with-project.ts';

/** A version brought back as files, on the real stack by the real command line. */

let second: VersionRecord;

const project = withProject('checkout', { runs: [['1'], ['2']] });
const { json, store } = project;

beforeAll(async () => {
  second = await store.records.latest('iris', 2);
});

describe('checkout', () => {
  const out = (): string => join(project.folder, 'out');
  const at = (path: string): string => join(out(), path);
  const checkout = (...args: string[]): Promise<CheckedOut> =>
    json<CheckedOut>('checkout', ...args, '--out', 'out');
  const edited = 'data/merged/batch_000001.csv';

  it('brings back every file of a version, each as stored', async () => {
    const done = await checkout('2');
    expect(done).toMatchObject({ pipeline: 'iris', version: 2, out: out() });
    expect([done.kept, done.removed]).toEqual([[], []]);
    expect(done.fetchedBytes).toBeGreaterThan(0);
    const outputs = second.stages.flatMap(({ outputs: made }) => Object.values(made));
    for (const ref of outputs.filter(({ path }) => !path.startsWith('data/batches/'))) {
      const files = isDirectory(ref) ? await store.artifacts.list(ref) : [{ ...ref, path: '' }];
      for (const file of files) {
        const path = `${ref.path}${file.path}`;
        expect([path, sha256(readFileSync(at(path)))]).toEqual([path, file.sha256]);
        expect(done.written).toContain(path);
      }
    }
  });

  it('fetches and writes nothing the second time, and a third elsewhere fetches nothing', async () => {
    const again = await checkout('2');
    expect(again).toMatchObject({ written: [], removed: [], fetchedBytes: 0 });
    expect(again.kept.length).toBeGreaterThan(8);
    const elsewhere = await json<CheckedOut>('checkout', '2', '--out', 'else where');
    expect(elsewhere.written.sort()).toEqual(again.kept.sort());
    expect(elsewhere.fetchedBytes).toBe(0);
  });

  it('does not overwrite an edited file until it is forced to', async () => {
    writeFileSync(at(edited), 'mine\n');
    const before = readFileSync(at('data/processed/encoder.json'));
    const sentence = refused(await project.client('checkout', '1', '--out', 'out'));
    expect(sentence).toContain(`${edited} in ${out()} holds bytes`);
    expect(sentence).toContain('--force');
    expect(readFileSync(at(edited), 'utf8')).toBe('mine\n');
    expect(readFileSync(at('data/processed/encoder.json'))).toEqual(before);
    const forced = await checkout('2', '--force');
    expect(forced).toMatchObject({ written: [edited], removed: [], fetchedBytes: 0 });
  });

  it('removes what only the version before had, folders too, and nothing of anyone else’s', async () => {
    writeFileSync(at('models/notes.txt'), 'mine');
    writeFileSync(at('metrics/mine.json'), '{}');
    const done = await checkout('1');
    expect(done.removed).toEqual(
      expect.arrayContaining([
        'data/merged/batch_000002.csv',
        'data/processed/train/part_000002.arrow',
        'models/batch_2/model.json',
        'metrics/batch_2.json',
        'reports/batch_2.html',
      ]),
    );
    expect(done.kept).toContain('data/merged/batch_000001.csv');
    expect(existsSync(at('models/batch_2'))).toBe(false);
    expect(existsSync(at('models/batch_1/model.json'))).toBe(true);
    expect(readFileSync(at('models/notes.txt'), 'utf8')).toBe('mine');
    expect(readFileSync(at('metrics/mine.json'), 'utf8')).toBe('{}');
  });

  it('knows its own files without its memory of them, by the local cache', async () => {
    rmSync(at('.retrain'), { recursive: true });
    const done = await checkout('2');
    expect(done.fetchedBytes).toBe(0);
    expect(done.written).toContain('data/processed/encoder.json');
  });

  it('keeps the metrics that runs wrote, and does not take them for its own', async () => {
    const here = await json<CheckedOut>('checkout', '2');
    expect(here.kept).toEqual(['metrics/batch_2.json']);
    const back = await json<CheckedOut>('checkout', '1');
    expect(back.kept).toContain('metrics/batch_1.json');
    expect(existsSync(join(project.folder, 'metrics/batch_2.json'))).toBe(true);
  });

  it('throws out what was damaged in the local cache and fetches it again', async () => {
    const { md5, size, path } = output(second, 'train', 'model');
    const cached = join(project.folder, '.retrain/cache/md5', md5.slice(0, 2), md5.slice(2));
    writeFileSync(cached, readFileSync(cached).fill('x', 0, 1));
    rmSync(at(path));
    expect(await checkout('2')).toMatchObject({ written: [path], fetchedBytes: size });
  });

  it('by four at once leaves each whole', async () => {
    rmSync(join(project.folder, '.retrain/cache'), { recursive: true });
    const folders = ['a', 'b', 'same', 'same'];
    const done = await Promise.all(
      folders.map((name) => json<CheckedOut>('checkout', '2', '--out', `at-once/${name}`)),
    );
    for (const { out: folder, written, kept } of done) {
      expect(written.length + kept.length).toBeGreaterThan(8);
      const { path, sha256: hash } = output(second, 'train', 'model');
      expect(sha256(readFileSync(join(folder, path)))).toBe(hash);
    }
  });

  it('of a version that was never built says so, and makes nothing', async () => {
    const sentence = refused(await project.client('checkout', '9', '--out', 'nowhere'));
    expect(sentence).toContain(
      'version 9 of iris has not been built: "npx retrain list --pipeline iris" shows the versions there are',
    );
    expect(existsSync(join(project.folder, 'nowhere'))).toBe(false);
  });
});
