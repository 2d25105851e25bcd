import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { openProgram } from '../../../../client/program.ts';
import { addSection } from '../../../../client/commands/init/section.ts';
import { lookAtSource } from '../../../../client/commands/init/look.ts';
import { loadConfig } from '../../../../config/environment.ts';
import { readCommittedParams } from '../../../support/params.ts';

const root = mkdtempSync(join(tmpdir(), 'retrain init '));
const here = process.cwd();
const [params = ''] = readCommittedParams().split(/^pipelines:/m);
beforeEach(() => process.chdir(root));
afterEach(() => process.chdir(here));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function write(name: string, text: string | Uint8Array): string {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text);
  return name;
}

const look = (source: string, target: string | undefined, task?: 'classification') =>
  lookAtSource(loadConfig(root, {}), source, { target, task });

const rows = (count: number, row: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => row(i)).join('\n');

describe('what init finds in a file', () => {
  it('is the types of the columns and the classes of the target', async () => {
    write('wine.csv', `acid,colour,quality\n${rows(30, (i) => `${i},red,${5 + (i % 3)}`)}\n`);
    expect(await look('wine.csv', 'quality')).toMatchObject({
      delimiter: ',',
      encoding: 'utf-8',
      decimal: '.',
      task: 'classification',
      rows: 30,
      columns: [
        { name: 'acid', type: 'number' },
        { name: 'colour', type: 'category' },
        { name: 'quality', type: 'category' },
      ],
      labels: [
        { label: '5', rows: 10 },
        { label: '6', rows: 10 },
        { label: '7', rows: 10 },
      ],
    });
  });

  it('is a regression for fractions and for many whole numbers, unless that is said', async () => {
    write('price.csv', `x,price\n${rows(40, (i) => `${i},${i}.5`)}\n`);
    write('age.csv', `x,age\n${rows(40, (i) => `${i % 3},${i}`)}\n`);
    expect(await look('price.csv', 'price')).toMatchObject({ task: 'regression', labels: [] });
    expect(await look('age.csv', 'age')).toMatchObject({ task: 'regression' });
    expect(await look('age.csv', 'age', 'classification')).toMatchObject({
      task: 'classification',
    });
  });

  it('is the delimiter, the decimal comma and the encoding of a file from a spreadsheet', async () => {
    const text = `größe;preis;art\n${rows(30, (i) => `${i},5;${i},25;${i % 2 ? 'süß' : 'herb'}`)}\n`;
    write('wein.csv', Buffer.from(text, 'latin1'));
    expect(await look('wein.csv', 'art')).toMatchObject({
      delimiter: ';',
      encoding: 'latin1',
      decimal: ',',
      columns: [
        { name: 'größe', type: 'number' },
        { name: 'preis', type: 'number' },
        { name: 'art', type: 'category' },
      ],
    });
  });

  it('is each file of a folder as a batch', async () => {
    for (const name of ['b.csv', 'a.csv'])
      write(`in/${name}`, `x,y\n${rows(5, (i) => `${i},${i % 2 ? 'a' : name}`)}\n`);
    expect(await look('in/', 'y')).toMatchObject({
      files: 2,
      rows: 5,
      labels: [{ label: 'a.csv' }, { label: 'a' }],
    });
  });

  it('names the columns where the target is missing or misspelt', async () => {
    write('wine.csv', 'acid,quality\n1,a\n2,b\n');
    await expect(look('wine.csv', undefined)).rejects.toThrow(
      '--target is missing: name the column to predict. wine.csv has the columns acid, quality',
    );
    await expect(look('wine.csv', 'qualty')).rejects.toThrow('did you mean quality?');
  });
});

describe('the section that init writes', () => {
  const section = { data: { source: './wine.csv', target: 'quality' } };

  it('leaves every byte of the file as it is', () => {
    const once = addSection(params, 'wine', section);
    expect(once.startsWith(params)).toBe(true);
    expect(parse(once)).toEqual({ ...(parse(params) as object), pipelines: { wine: section } });
    const twice = addSection(once, 'beer', section);
    expect(twice.startsWith(once)).toBe(true);
    expect(Object.keys((parse(twice) as { pipelines: object }).pipelines)).toEqual([
      'wine',
      'beer',
    ]);
  });

  it('follows the other sections, as they are indented, before what comes after them', () => {
    const file = 'pipelines:\n    iris: {} # the first\n\n# where things are\nmlflow: {}\n';
    const text = addSection(file, 'wine', section);
    expect(text).toBe(
      'pipelines:\n    iris: {} # the first\n    wine:\n      data:\n        source: ./wine.csv\n        target: quality\n\n# where things are\nmlflow: {}\n',
    );
  });

  it.each(['', '# nothing yet\n', 'pipelines: {} # none\n', 'pipelines:\n'])(
    'is added to %j',
    (file) => {
      const text = addSection(file, 'wine', section);
      expect(parse(text)).toEqual({ pipelines: { wine: section } });
      for (const comment of file.match(/#.*/g) ?? []) expect(text).toContain(comment);
    },
  );
});

describe('retrain init', () => {
  const type = async (...words: string[]): Promise<string> => {
    let printed = '';
    const spies = [process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation((text) => {
        printed += String(text);
        return true;
      }),
    );
    const context = {
      root,
      configure: async (pipeline?: string) => loadConfig(root, {}, pipeline),
    };
    const program = await openProgram(context, words);
    await program.parseAsync(words, { from: 'user' }).finally(() => {
      for (const spy of spies) spy.mockRestore();
    });
    process.exitCode = 0;
    return printed;
  };

  it('says what it found and what to type next, and the pipeline has those settings', async () => {
    write('params.yaml', '# mine\nmodel: { max_depth: 3 }\n');
    write('wine.csv', `acid;quality\n${rows(3_000, (i) => `${i},5;${i % 2 ? 'good' : 'bad'}`)}\n`);
    const printed = await type('init', 'wine.csv', '--target', 'quality');
    expect(printed).toMatch(/^target {3}quality: 2 classes: bad \(1500\), good \(1500\)/m);
    expect(printed).toMatch(/^batches {2}10 of 300 rows$/m);
    expect(printed).toMatch(/^ {2}npx retrain run 1 --pipeline wine$/m);
    expect(readFileSync('params.yaml', 'utf8')).toMatch(/^# mine\n/);
    expect(loadConfig(root, {}, 'wine').params).toEqual({
      model: { max_depth: 3 },
      data: {
        source: './wine.csv',
        target: 'quality',
        delimiter: ';',
        decimal: ',',
        batch_size: 300,
      },
    });
  });

  it('refuses a name that params.yaml has', async () => {
    write('params.yaml', 'pipelines: { wine: {} }\n');
    write('wine.csv', `acid,quality\n${rows(30, (i) => `${i},${i % 2 ? 'good' : 'bad'}`)}\n`);
    await expect(type('init', 'wine.csv', '--target', 'quality')).rejects.toThrow(
      'params.yaml has the pipeline wine already',
    );
  });
});
