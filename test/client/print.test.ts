import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { formatDvcTable, compareMetrics } from '../../client/commands/diff/dvc-shape.ts';
import { formatTable } from '../../client/format.ts';
import { foldText, print, printJson, printLink, printProgress, say } from '../../client/print.ts';
import { escapeControls, escapeLine } from '../../contract/controls.ts';
import { escapeTexts } from '../../worker/logger.ts';

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

  it('is written out as a label in "metrics diff", also on a terminal', async () => {
    const metrics = (recall: number) => ({ classes: { [`${name}\n`]: { recall } } });
    const diff = compareMetrics(metrics(0.5), { path: 'metrics/2.json', metrics: metrics(1) });
    const text = formatDvcTable(diff, { title: 'Metric', revisions: ['1', '2'] });
    expect(text.split('\n')).toHaveLength(2);
    expect(commandsIn(written(() => print(text)))).toEqual([]);
    const { print: printStyled } = await onTerminal();
    expect(commandsIn(written(() => printStyled(text)))).toEqual([]);
  });

  it('is written out in the log of a worker on a terminal', () => {
    const line = `${JSON.stringify({ level: 30, err: { message: name }, msg: name })}\n`;
    const texts = JSON.parse(escapeTexts(line)) as { err: { message: string }; msg: string };
    expect(commandsIn(texts.msg + texts.err.message)).toEqual([]);
    expect(escapeTexts(line)).toMatch(/\n$/);
  });
});

/** The module that prints as it is where both streams are terminals. */
async function onTerminal(): Promise<typeof import('../../client/print.ts')> {
  vi.resetModules();
  vi.stubEnv('NO_COLOR', '');
  vi.stubEnv('TERM', 'xterm');
  const streams = [process.stdout, process.stderr];
  const before = streams.map(({ isTTY }) => isTTY);
  for (const stream of streams) stream.isTTY = true;
  try {
    return await import('../../client/print.ts');
  } finally {
    streams.forEach((stream, i) => (stream.isTTY = before[i]!));
    vi.unstubAllEnvs();
  }
}

describe('text that is printed', () => {
  it('holds nothing that a terminal obeys, whatever it is', () => {
    const controls = fc.constantFrom(
      ...'\u001b\u009b\u009c\u0007\u007f\r\t\n\u2028\u202e\u2066[]2J;'.split(''),
    );
    const any = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 });
    fc.assert(
      fc.property(fc.string({ unit: fc.oneof(controls, any) }), (text) => {
        const shown = escapeControls(text);
        expect(stripVTControlCharacters(shown)).toBe(shown);
        const obeyed = /\p{Cc}|\p{Bidi_Control}|\p{Zl}|\p{Zp}/u;
        expect(shown.replaceAll(/[\n\t]/g, '')).not.toMatch(obeyed);
        expect(escapeLine(text)).not.toMatch(obeyed);
      }),
    );
  });

  it('keeps tabs, line ends and every script', () => {
    const text = 'a\tb\n数据 🌸 Überzüge';
    expect(escapeControls(text)).toBe(text);
  });

  it('has the styles of this program on a terminal, and of no other', async () => {
    const terminal = await onTerminal();
    const red = terminal.onStdout.red('red \u001b[31mred \u001b[39m');
    expect(written(() => terminal.print(red))).toBe(
      '\u001b[31mred \\u001b[31mred \\u001b[39m\u001b[39m\n',
    );
    expect(written(() => terminal.say('gone', 'error'))).toBe('\u001b[31merror: \u001b[39mgone\n');
    expect(written(() => print(red))).not.toContain('\u001b');
  });

  it('is a table as wide on a terminal as without styles', async () => {
    const terminal = await onTerminal();
    const onScreen = await import('../../client/format.ts'); // prints by the module of the terminal
    const table: Parameters<typeof formatTable> = [
      ['name', 'rows', 'a\u001b[2Jb'],
      [
        ['a', 12, ''],
        ['longer', 3, 'word'],
      ],
    ];
    const text = written(() => terminal.print(onScreen.formatTable(...table)));
    expect(text).toContain('\u001b[1mrows\u001b[22m');
    expect(stripVTControlCharacters(text)).toBe(written(() => print(formatTable(...table))));
  });

  it('cannot forge another sentence after a line end', () => {
    const text = written(() => say('column "a\nerror: run this" is unknown'));
    expect(text).toBe('column "a\n  error: run this" is unknown\n');
  });

  it('breaks at words on a terminal, and keeps on one line what is pasted', () => {
    const text =
      'batch 7 has never been run: 3 are known; "npx retrain pending --pipeline iris" looks';
    expect(foldText(text, 2, { isTTY: true, columns: 42 }).split('\n')).toEqual([
      'batch 7 has never been run: 3 are known;',
      '  "npx retrain pending --pipeline iris"',
      '  looks',
    ]);
    const long = `to go back: npx retrain publish 2 --trial 1 --pipeline ${'p'.repeat(60)}`;
    expect(foldText(long, 2, { isTTY: true, columns: 42 }).split('\n')).toEqual([
      'to go back:',
      `  npx retrain publish 2 --trial 1 --pipeline ${'p'.repeat(60)}`,
    ]);
    expect(foldText(text, 2, { columns: 42 })).toBe(text);
  });

  it('is progress without styles where there is no terminal', () => {
    expect(written(() => printProgress('one\u001b[2J'))).toBe('one\\u001b[2J\n');
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

describe('a link', () => {
  const url = 'http://localhost:8233/namespaces/default/workflows/iris-batch-3/01a227c3/history';
  const open = (columns: number | undefined, one = url): string => {
    const { isTTY, columns: before } = process.stdout;
    Object.assign(process.stdout, { isTTY: columns !== undefined, columns });
    try {
      return written(() => printLink('Temporal', one, 'iris-batch-3'));
    } finally {
      Object.assign(process.stdout, { isTTY, columns: before });
    }
  };
  afterEach(() => vi.unstubAllEnvs());

  it('that is wider than the terminal is a short text that opens it, where the terminal has links', () => {
    vi.stubEnv('FORCE_HYPERLINK', '1');
    const text = open(80);
    expect(text).toContain(`\u001b]8;;${url}\u001b\\`);
    expect(text.endsWith('\u001b]8;;\u001b\\\n')).toBe(true);
    expect(stripVTControlCharacters(text)).toBe('Temporal  iris-batch-3 at localhost:8233\n');
  });

  it('is the whole URL where it fits, where the terminal has no links, and in a file or a pipe', () => {
    const whole = `Temporal  ${url}\n`;
    vi.stubEnv('FORCE_HYPERLINK', '1');
    expect(open(140)).toBe(whole);
    expect(open(undefined)).toBe(whole);
    vi.stubEnv('FORCE_HYPERLINK', '0');
    expect(open(80)).toBe(whole);
  });

  it('with a control character is written out, and opens nothing', () => {
    vi.stubEnv('FORCE_HYPERLINK', '1');
    for (const bad of [`${url}\u001b\\\u001b[2J`, `${url}\u0007`, `${url}\u009c`])
      expect(commandsIn(open(80, bad))).toEqual([]);
  });
});
