import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeDirectory, encodeDvcDir } from '../../store/manifest.ts';
import { isSafePath } from '../../contract/paths.ts';
import { md5, refOf } from '../../store/hash.ts';

const file = (path: string, text = path) => refOf(path, Buffer.from(text));

describe('a directory', () => {
  it('has the bytes of Python’s json.dumps, as DVC writes them', () => {
    const dir = Buffer.from(encodeDvcDir([{ path: 'a é😀"\\\u007f.csv', md5: 'e5' }])).toString();
    expect(dir).toBe('[{"md5": "e5", "relpath": "a \\u00e9\\ud83d\\ude00\\"\\\\\\u007f.csv"}]');
  });

  it('agrees with Python on names of every kind', () => {
    const names = fc.sample(fc.string({ unit: 'grapheme', minLength: 1 }), 300);
    const script =
      'import json,sys; print(json.dumps([{"md5": "x", "relpath": n} for n in json.load(sys.stdin)], sort_keys=True), end="")';
    const python = spawnSync('python3', ['-c', script], { input: JSON.stringify(names) });
    expect(python.stderr.toString()).toBe('');
    const ours = encodeDvcDir(names.map((path) => ({ path, md5: 'x' })));
    expect(Buffer.from(ours).toString()).toBe(python.stdout.toString());
  });

  it('sorts by code point, which UTF-16 order is not', () => {
    const { manifest } = encodeDirectory('d/', [
      file('\u{1f600}'),
      file('\uffee'),
      file('b'),
      file('a'),
    ]);
    const { files } = JSON.parse(Buffer.from(manifest).toString()) as { files: { path: string }[] };
    expect(files.map(({ path }) => path)).toEqual(['a', 'b', '\uffee', '\u{1f600}']);
  });

  it('is the same in every order of its files', () => {
    const files = ['b', 'c', 'a'].map((name) => file(name));
    expect(encodeDirectory('d/', files).ref).toEqual(encodeDirectory('d/', files.toReversed()).ref);
  });

  it('is named by the MD5 of its DVC twin and counts the bytes of its files', () => {
    const { ref, dvcDir } = encodeDirectory('d/', [file('a', 'xx'), file('b', 'yyy')]);
    expect(ref.md5).toBe(`${md5(dvcDir)}.dir`);
    expect(ref.size).toBe(5);
  });

  it('refuses two files of one name, and paths that leave it', () => {
    expect(() => encodeDirectory('d/', [file('a'), file('a')])).toThrow('d/a is listed twice');
    expect(() => encodeDirectory('d/', [file('../a')])).toThrow('not a path inside');
  });
});

describe('a safe path', () => {
  it.each(['a', 'a/b.csv', 'a b/ü.csv', '...'])('takes %s', (path) => {
    expect(isSafePath(path)).toBe(true);
  });
  it.each(['', '/a', 'a/', 'a//b', '../a', 'a/../b', './a', 'a\\b', 'a\0'])(
    'refuses %j',
    (path) => {
      expect(isSafePath(path)).toBe(false);
    },
  );
});
