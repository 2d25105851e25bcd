import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tasks } from '../../compute/tasks.ts';
import { type Column, selectColumns } from '../../pipeline/batches/columns.ts';
import { cut } from '../../pipeline/batches/cut.ts';
import { inferColumns } from '../../pipeline/batches/infer.ts';
import type { CellSettings } from '../../pipeline/csv/cells.ts';
import { readCellSettings } from '../../pipeline/csv/cells.ts';
import { CsvReader } from '../../pipeline/csv/reader.ts';
import { parseDate } from '../../pipeline/csv/dates.ts';
import { encoderFromJson } from '../../pipeline/features/encoder.ts';
import { parseJson } from '../../pipeline/json.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import { checkTestRows, encode, parseCsv } from './support.ts';
import { memoryFiles } from './files.ts';

/** Small files that once gave wrong answers without a word. */

const defaults = paramsSchema.parse({});
const plain = readCellSettings(defaults.data);
const model = { ...defaults.model, max_depth: 5 };
const read = (name: string) => readFileSync(new URL(`../fixtures/cases/${name}`, import.meta.url));

interface How {
  cells?: CellSettings;
  delimiter?: string;
  normaliseLabels?: boolean;
}

const inspect = (name: string, { cells = plain, delimiter = ',' }: How = {}) =>
  inferColumns(new CsvReader([read(name)], name, { delimiter }), {
    target: 'label',
    declared: {},
    cells,
    task: 'classification',
  });

interface Version {
  accuracy: number;
  classes: readonly string[];
  features: string[];
  warnings: string[];
}

/** Trains on batches, each one a file of canonical CSV, as the stages do. */
async function train(
  batches: readonly Uint8Array[],
  columns: Column[],
  { cells = plain, normaliseLabels = false }: How = {},
): Promise<Version> {
  const target = 'label';
  const parts = batches.map((bytes, i) =>
    tasks.encodePart({
      bytes,
      file: `batch ${i + 1}`,
      columns: selectColumns(columns, i + 1),
      target,
      cells,
      testSize: 0.2,
      key: null,
      normaliseLabels,
    }),
  );
  const fitted = tasks.fitFromCounts({
    counts: parts.map(({ counts }) => counts),
    until: parts.length,
    columns,
    target,
    testSize: 0.2,
    missing: 'impute',
    dateParts: [],
    what: `version ${parts.length}`,
  });
  const files = memoryFiles();
  const { encoder } = fitted;
  const into = 'model.json';
  const fit = { parts: parts.map((part) => part.train), encoder, model, into };
  const trained = await tasks.fitModel(fit, undefined, { files });
  const score = { batch: parts.length, type: model.type, model: into, encoder };
  const test = parts.map((part) => part.test);
  const check = checkTestRows(
    test,
    parts.map((part) => part.train),
    encoder,
  );
  const names = parts.map((_, i) => `part_${i}`);
  const scored = await tasks.evaluateModel(
    { ...score, parts: test, names, check, split: { key: null } },
    undefined,
    { files },
  );
  const metrics = parseJson(scored.metrics, 'the metrics') as { accuracy: number };
  return {
    accuracy: metrics.accuracy,
    classes: encoderFromJson(encoder).classes!,
    features: encoderFromJson(encoder).features.map(({ name }) => name),
    warnings: [...fitted.warnings, ...trained.warnings],
  };
}

/** The rows of a file as one batch, or as batches of some size. */
function cutAll(name: string, columns: Column[], how: How = {}, batchSize = 10_000): Uint8Array[] {
  const { cells = plain, delimiter = ',' } = how;
  const { rows } = parseCsv(read(name), name, delimiter);
  const files = memoryFiles();
  const batches = Array.from({ length: Math.ceil(rows.length / batchSize) }, (_, i) => i + 1);
  const reader = new CsvReader([read(name)], name, { delimiter });
  const shape = { columns, target: 'label', cells, batchSize, shuffleSeed: null, delimiter };
  const pathOf = (batch: number) => `${batch}.csv`;
  cut(reader, { ...shape, rows: rows.length, batches, pathOf }, files);
  return batches.map((batch) => Buffer.concat([...files.read(pathOf(batch))]));
}

/** What a folder's files become: the batches, the columns of the last version, and warnings by file. */
function arrive(folder: string, how: How = {}) {
  const files = ['1.csv', '2.csv', '3.csv'].slice(0, folder === 'labels' ? 2 : 3);
  let columns = inspect(`${folder}/1.csv`, how).columns;
  const batches: Uint8Array[] = [];
  const warnings: string[][] = [];
  for (const [i, file] of files.entries()) {
    const made = tasks.conformBatch({
      bytes: read(`${folder}/${file}`),
      file,
      columns,
      target: 'label',
      key: null,
      cells: plain,
      delimiter: ',',
      contract: { newColumn: 'fail', missingColumn: 'fail' },
    });
    batches.push(Buffer.from(made.bytes));
    warnings.push(made.warnings);
    const decided = new Map(made.added.map((column) => [column.name, column]));
    columns = columns.map((column) =>
      decided.has(column.name)
        ? { ...decided.get(column.name)!, since: i + 1, open: true as const }
        : column,
    );
  }
  return { columns, batches, warnings };
}

describe('numbers with a decimal comma', () => {
  const delimiter = ';';
  it('are words by default, and the setting that reads them is proposed', () => {
    expect(inspect('dec.csv', { delimiter })).toEqual({
      columns: [
        { name: 'x', type: 'category' },
        { name: 'label', type: 'category' },
      ],
      warnings: [
        'dec.csv: column "x" looks like numbers with a decimal comma ("0,219"), and is read as words: start a pipeline with data.decimal: ","',
      ],
    });
  });

  it('are numbers with data.decimal', async () => {
    const how = { delimiter, cells: { ...plain, decimal: ',' } as const };
    const { columns, warnings } = inspect('dec.csv', how);
    expect(warnings).toEqual([]);
    expect(columns[0]).toEqual({ name: 'x', type: 'number' });
    const { accuracy } = await train(cutAll('dec.csv', columns, how), columns, how);
    expect(accuracy).toBe(1);
  });
});

it('a column that counts the rows is named', () => {
  expect(inspect('id.csv').warnings).toEqual([
    'id.csv: column "id" counts the rows from 0 to 199, as a key does; declare data.columns.id: ignore unless it is a feature',
  ]);
});

it('a word that means "not known" by default is counted where it is among words', () => {
  const { rows } = parseCsv(read('country-na.csv'), 'country-na.csv');
  const times = rows.filter(([country]) => country === 'NA').length;
  expect(times).toBeGreaterThan(0);
  expect(inspect('country-na.csv').warnings).toEqual([
    `country-na.csv: column "country" holds words, and by default these cells are read as missing: "NA" (${times} rows); to keep them as words, start a pipeline with data.missing_values: [""]; if they are missing, with data.missing_values: ["","NA"]`,
  ]);
  // A list that somebody chose is not questioned.
  expect(inspect('country-na.csv', { cells: { missing: ['', 'NA'] } }).warnings).toEqual([]);
});

describe('dates', () => {
  it('are numbers, so that later ones are not all alike', async () => {
    const { columns, warnings } = inspect('date.csv');
    expect(columns.find(({ name }) => name === 'day')).toEqual({ name: 'day', type: 'date' });
    expect(warnings).toEqual([]);
    const { accuracy } = await train(cutAll('date.csv', columns), columns);
    expect(accuracy).toBe(1);
    // Dates that no train row has keep their order.
    const later = 'day,x,label\n2024-03-15,1,early\n2031-01-01,1,late\n';
    const part = encode(parseCsv(Buffer.from(later), 'later.csv'), columns, {
      target: 'label',
      testSize: 1e-12,
    });
    expect(part.train.table.array('day')).toEqual([
      parseDate('2024-03-15'),
      parseDate('2031-01-01'),
    ]);
  });
});

describe('labels that are one number, written in two ways', () => {
  const sentence =
    'column "label", the target, has "0", "0.0", which are one number; "1", "1.0", which are one number: each is a class, so there are 4; set data.labels.normalise=true to make them one, or correct the data';

  it('are named, and new ones too', async () => {
    const { columns, batches } = arrive('labels');
    const { warnings, classes } = await train(batches, columns);
    expect(classes).toHaveLength(4);
    expect(warnings).toContain(sentence);
    expect(warnings).toContain(
      'batch 2 has "0.0", "1.0" in column "label", the target, which no earlier row has: a class from this batch on',
    );
  });

  it('are one class with data.labels.normalise', async () => {
    const { columns, batches } = arrive('labels');
    const { warnings, classes, accuracy } = await train(batches, columns, {
      normaliseLabels: true,
    });
    expect(classes).toEqual(['0', '1']);
    expect(accuracy).toBeGreaterThan(0.9);
    expect(warnings.join()).not.toContain('"0.0"');
  });
});

describe('a column that is empty in the first file', () => {
  it('is a feature from the file that has a value in it', async () => {
    expect(inspect('empty-first/1.csv')).toMatchObject({
      columns: [{ name: 'x' }, { name: 'z', type: 'ignore', open: true }, { name: 'label' }],
      warnings: [
        'empty-first/1.csv: column "z" holds no known value, and is left out until a later batch has one',
      ],
    });
    const { columns, batches, warnings } = arrive('empty-first');
    expect(columns[1]).toEqual({ name: 'z', type: 'number', since: 2, open: true });
    expect(warnings).toEqual([
      [],
      [
        '2.csv has the first values of column "z": its type is number, and it is a feature from this batch on and missing in earlier ones',
      ],
      [],
    ]);
    // Batch 1 is encoded as it was before.
    expect(selectColumns(columns, 1)).toEqual(inspect('empty-first/1.csv').columns);
    expect((await train(batches, columns)).features).toEqual(['x', 'z']);
  });
});

describe('a batch that repeats rows of another with other labels', () => {
  it('is reported, with the command that replaces a batch', async () => {
    const { columns } = inspect('contradictions.csv');
    const batches = cutAll('contradictions.csv', columns, {}, 50);
    const { warnings } = await train(batches, columns);
    expect(warnings).toContainEqual(
      expect.stringMatching(
        /^batch 2 repeats \d\d train rows of batch 1 with another label, and both labels are learnt: if it corrects batch 1, replace that batch with "npx retrain amend 1 --source FILE"$/,
      ),
    );
  });

  it('is not seen in rows that repeat by chance', async () => {
    const rows = Array.from(
      { length: 400 },
      (_, i) => `${i % 7},${(i * i) % 3},${'ab'[(i >> 2) % 2]}`,
    );
    const batch = (from: number) =>
      Buffer.from(`x,y,label\n${rows.slice(from, from + 200).join('\n')}\n`);
    const columns: Column[] = [
      { name: 'x', type: 'number' },
      { name: 'y', type: 'number' },
      { name: 'label', type: 'category' },
    ];
    const { warnings } = await train([batch(0), batch(200)], columns);
    expect(warnings.join()).not.toContain('repeats');
  });
});
