import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { formatDvcTable, compareMetrics } from '../../client/commands/diff/dvc-shape.ts';
import { formatTable } from '../../client/format.ts';
import { print, printJson, say, escapeControls } from '../../client/print.ts';

const HOSTILE = {
  'clears the screen': '\u001b[2Jiris',
  'sets the title of the window': '\u001b]0;iris\u0007',
  'hides what follows': '\u001b[8miris',
  'writes a link': '\u001b]8;;http://example.org\u0007iris\u001b]8;;\u0007',
  'moves the cursor, in one byte': '\u009b1A\u009b2Kiris',
  'returns to the start of the line': 'iris\rhidden',
  'reverses the order of the text': '\u202esiri',
};

/** What reaches the streams while `write` runs. */
function written(write: () => void): string {
  let text = '';
  const take = (chunk: unknown): boolean => ((text += String(chunk)), true);
  vi.spyOn(process.stdout, 'write').mockImplementation(take);
  vi.spyOn(process.stderr, 'write').mockImplementation(take);
  write();
  return text;
}

afterEach(() => vi.restoreAllMocks());

/** The characters of a text that a terminal obeys, besides line ends. */
function commandsIn(text: string): string[] {
  return text.match(/[^\P{C}\n]|\p{Zl}|\p{Zp}/gu) ?? [];
}

describe.each(Object.entries(HOSTILE))('a name that %s', (_, name) => {
  it('is written out where it is printed', () => {
    for (const write of [
      () => print(`version 1 of ${name}`),
      () => say(name, 'warning'),
      () => print(formatTable([name, 'rows'], [[name, 1]])),
      () => printJson({ [name]: name }),
    ]) {
      const text = written(write);
      expect(commandsIn(text)).toEqual([]);
      expect(text).toMatch(/\\[ur]/);
    }
  });

  it('is the same in JSON when it is read again', () => {
    expect(JSON.parse(written(() => printJson({ name })))).toEqual({ name });
  });

  it('is written out as a label in "metrics diff"', () => {
    const metrics = (recall: number) => ({ classes: { [name]: { recall } } });
    const diff = compareMetrics(metrics(0.5), { path: 'metrics/2.json', metrics: metrics(1) });
    const text = formatDvcTable(diff, { title: 'Metric', revisions: ['1', '2'] });
    expect(commandsIn(written(() => print(text)))).toEqual([]);
  });
});

describe('visible', () => {
  it('leaves nothing that a terminal obeys, in any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = escapeControls(text);
        expect(stripVTControlCharacters(shown)).toBe(shown);
      }),
    );
  });

  it('keeps tabs, line ends and every script', () => {
    const text = 'a\tb\n数据 🌸 Überzüge';
    expect(escapeControls(text)).toBe(text);
  });

  it('keeps the colours of this program where they are wanted, and no other escape', () => {
    expect(escapeControls('\u001b[31mred\u001b[39m \u001b[5mblink', { coloured: true })).toBe(
      '\u001b[31mred\u001b[39m \\u001b[5mblink',
    );
    expect(escapeControls('\u001b[31mred')).toBe('\\u001b[31mred');
  });
});

it('the files of the client print by no other way', () => {
  const folder = join(import.meta.dirname, '..', '..', 'client');
  const others = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && name !== 'print.ts',
  );
  expect(others).toContain(join('commands', 'list.ts'));
  const writing = others.filter((name) =>
    /(stdout|stderr|\bout)\.write\(|console\./.test(readFileSync(join(folder, name), 'utf8')),
  );
  expect(writing).toEqual([]);
});
