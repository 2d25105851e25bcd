import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { inferColumns } from '../../pipeline/batches/infer.ts';
import type { ColumnType } from '../../pipeline/batches/columns.ts';
import { CellRule, type CellSettings, parseNumber } from '../../pipeline/csv/cells.ts';
import { CsvReader, decodeCells } from '../../pipeline/csv/reader.ts';
import { encodeBatch } from '../../pipeline/features/encode.ts';
import { type Encoder, encoderToJson, fitEncoder } from '../../pipeline/features/encoder.ts';
import { findLabelType, type Label, toLabel } from '../../pipeline/features/label-type.ts';
import { applyEncoder, type Matrix } from '../../pipeline/features/matrix.ts';
import type { Classes } from '../../pipeline/models/estimator.ts';
import { estimatorOf } from '../../pipeline/models/estimators.ts';
import { makeOnnx } from '../../pipeline/predictions/onnx.ts';
import { Predictor } from '../../pipeline/predictions/predictor.ts';
import { createMlflowTracker } from '../../tracking/mlflow/tracker.ts';
import { modelFiles } from '../../tracking/model.ts';
import { seeded } from '../pipeline/models/trees.ts';
import { freePort } from '../support/project.ts';
import { mixedModel } from './models.ts';
import { fresh, fromStack, uri } from './server.ts';

/** The same rows through the pipeline and through stock MLflow in Python: all must answer alike. */

const venv = fromStack('RETRAIN_TEST_STACK_VENV');
const tracker = createMlflowTracker({ uri });
const experimentId = await tracker.ensureExperiment(fresh('parity'));
const run = promisify(execFile);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'parity-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

// MLflow makes the word None of null in a column of strings.
const POINT: CellSettings = { missing: ['', 'NA', 'n/a', 'None', '?', '-999'] };
const ALL_TRAIN = 1e-12;
const dateParts = ['weekday', 'month'] as const;

/** How a file is written. */
interface Written {
  declared: Record<string, ColumnType>;
  delimiter: string;
  cells: CellSettings;
}

interface Trained {
  modelUri: string;
  answer: (csv: string) => Answers;
}
interface Answers {
  target: string;
  /** The cells of the columns that an ONNX file has as inputs. */
  cells: Record<string, (number | string | null)[]>;
  answers: unknown[];
  classes: number[];
  probabilities: number[];
}

/** Fits a model on a file as the pipeline does, and stores it as MLflow gets it. */
async function train(
  csv: string,
  { declared = {}, delimiter = ',', cells = POINT }: Partial<Written> = {},
): Promise<Trained> {
  const target = 'label';
  const open = (text: string) => new CsvReader([Buffer.from(text)], 'rows', { delimiter });
  const task = 'classification';
  const { columns } = inferColumns(open(csv), { target, declared, cells, task });
  const encode = (text: string) =>
    encodeBatch(open(text), columns, { target, cells, testSize: ALL_TRAIN, key: null, dateParts });
  const part = encode(csv);
  const { encoder } = fitEncoder(part.counts, columns, target, { missing: 'impute', dateParts });
  const estimator = estimatorOf({ type: 'decision_tree' });
  const params = estimator.params(task).parse({ max_depth: 12 });
  const fitted = await estimator.fit(applyEncoder(encoder, part.train), encoder, params, {});
  const bytes = Buffer.concat([...fitted.serialise()]);
  const modelUri = await store(bytes, encoder, cells);
  const predict = (rows: Matrix, size: number) =>
    estimator.load({ size, read: () => [bytes] }, task, 'the model').predict(rows) as Classes;
  const answer = (text: string): Answers => {
    const rows = applyEncoder(encoder, encode(text).train);
    const byLibrary = predict(rows, bytes.length);
    // From this size on the program's own arrays predict.
    expect(predict(rows, Number.POSITIVE_INFINITY)).toEqual(byLibrary);
    const labels = Array.from(byLibrary.classes, (index) => encoder.classes![index]!);
    const raw = predictRaw(open(text), cells, bytes, encoder);
    expect(raw.labels).toEqual(labels.map((word) => toLabel(word, findLabelType(encoder))));
    // ml-cart's shares may sum to 1.0000000000000002, and those of a prediction sum to 1.
    const differences = byLibrary.probabilities.map(
      (share, row) => share - raw.probabilities[row]!,
    );
    expect(Math.max(...differences.map(Math.abs))).toBeLessThan(1e-12);
    return {
      target,
      cells: readCells(open(text), encoder, cells),
      answers: labels.every((label) => /^\d+$/.test(label)) ? labels.map(Number) : labels,
      classes: [...byLibrary.classes],
      probabilities: [...byLibrary.probabilities],
    };
  };
  return { modelUri, answer };
}

/** What `retrain predict` predicts for a file: the label of each row, and its share. */
function predictRaw(csv: CsvReader, cells: CellSettings, bytes: Uint8Array, encoder: Encoder) {
  const predictor = new Predictor({
    type: 'decision_tree',
    model: { size: bytes.length, read: () => [bytes] },
    encoder: encoderToJson(encoder),
    cells,
    rejectsUnseen: false,
  });
  const labels: (Label | null)[] = [];
  const probabilities: number[] = [];
  for (const block of csv.blocks()) {
    const readText = decodeCells(block);
    const { predictions, shares } = predictor.predict(block.rows, (reader, row) =>
      reader.readText(readText(row * csv.width + csv.header.indexOf(reader.column))),
    );
    labels.push(...predictions);
    probabilities.push(...shares!.map((all) => Math.max(...all!)));
  }
  return { labels, probabilities };
}

/** Reads a file as a user of an ONNX file does: numbers, days and trimmed words. */
function readCells(csv: CsvReader, encoder: Encoder, cells: CellSettings): Answers['cells'] {
  // A number that means "not known" is left to the file, and so is a word for a missing cell.
  const missing = cells.missing.filter((word) => parseNumber(word) === null);
  const rule = new CellRule({ ...cells, missing });
  const readers = {
    number: (cell: string) => rule.readNumber(cell) ?? null,
    date: (cell: string) => rule.readDate(cell) ?? null,
    category: (cell: string) => cell.trim(),
  };
  const whole = encoder.features.filter((feature) => !('part' in feature));
  const read = whole.map(({ name }) => [name, [] as (number | string | null)[]] as const);
  for (const block of csv.blocks()) {
    const readText = decodeCells(block);
    for (const [i, { name, type }] of whole.entries())
      for (let row = 0; row < block.rows; row++)
        read[i]![1].push(readers[type](readText(row * csv.width + csv.header.indexOf(name))));
  }
  return Object.fromEntries(read);
}

/** Logs a model as a batch does. Returns its URI. */
async function store(model: Uint8Array, encoder: Encoder, cells = POINT): Promise<string> {
  const runId = await tracker.createRun({ experimentId, name: 'x', startedAt: 0, tags: {} });
  const encoderBytes = encoderToJson(encoder);
  const made = await makeOnnx({
    type: 'decision_tree',
    model: { size: model.length, read: () => [model] },
    encoder: encoderBytes,
    cells,
  });
  const onnx = made.file && { bytes: made.file };
  const parts = { model: { bytes: model }, onnx, encoder: encoderBytes, cells, createdAt: 0 };
  const files = (identity: { modelId: string; runId: string }) =>
    modelFiles({ ...parts, ...identity });
  return `models:/${await tracker.logModel(runId, { name: 'tree', files })}`;
}

/** A model and a file that it is asked for. */
interface Question {
  trained: Trained;
  csv: string;
  dates?: string[];
  evaluate?: boolean;
  delimiter?: string;
  decimal?: string;
}

/** What stock MLflow answers for files, each read in every way; see ask_model.py. */
async function ask(...questions: Question[]): Promise<Record<string, unknown>[]> {
  const args = questions.flatMap(({ trained, csv, ...written }, i) => {
    const [rows, expected] = [join(home, `rows ${i}.csv`), join(home, `expected ${i}.json`)];
    writeFileSync(rows, csv);
    const plain = { dates: [], evaluate: false, delimiter: ',', decimal: '.' };
    writeFileSync(expected, JSON.stringify({ ...trained.answer(csv), ...plain, ...written }));
    return [trained.modelUri, rows, expected];
  });
  return (await python('ask_model.py', ...args)) as Record<string, unknown>[];
}

async function python(script: string, ...args: string[]): Promise<unknown> {
  const { stdout } = await run(`${venv}/bin/python`, [here(script), ...args], {
    cwd: home,
    env: {
      ...process.env,
      MLFLOW_TRACKING_URI: uri,
      PYTHONWARNINGS: 'ignore',
    },
  });
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

const declared = { code: 'category', big: 'category' } as const;

/** Rows of every kind of column, whose label follows from the cells but for noise. */
function makeRows(count: number, seed: number): string {
  const random = seeded(seed);
  const pick = <T>(...some: T[]): T => some[Math.floor(random() * some.length)]!;
  const rare = (cell: string, instead: string) => (random() < 0.05 ? instead : cell);
  const lines = ['flag, lead,whole,code,big,price,dirty,day,word,label'];
  for (let i = 0; i < count; i++) {
    const flag = pick('TRUE', 'FALSE');
    const lead = (random() * 10).toFixed(2);
    const whole = String(Math.floor(random() * 20));
    const code = String(Math.floor(random() * 12)).padStart(4, '0');
    const big = `900719925474099${Math.floor(random() * 10)}`;
    const price = pick(lead, `+.${Math.floor(random() * 99)}`, '1E5', '-1e308', '1.5e-300', '5.');
    const day = `2024-${pick('01', '02', '03', '11')}-${pick('01', '15', '28')}`;
    const word = pick('red', 'käse', ' blue ', 'True story', 'a b', '1st');
    const sum = Number(whole) + (flag === 'TRUE' ? 7 : 0) + Number(code) + Number(big.at(-1));
    const noisy = sum + day.charCodeAt(6) + word.length + Number(lead) + (random() < 0.1 ? 5 : 0);
    lines.push(
      [
        rare(flag, ''),
        rare(lead, 'NA'),
        rare(whole, ''),
        rare(code, pick('n/a', '9999')),
        big,
        price,
        rare(whole, pick('?', '-999', ' 3 ')),
        rare(day, pick('', '2031-01-01')),
        rare(word, pick('never seen', '', 'NA')),
        String(Math.max(0, Math.min(2, Math.floor((noisy - 71) / 8)))),
      ].join(),
    );
  }
  return `${lines.join('\n')}\n`;
}

const NOTHING_WRONG = { wrong_onnx: 0, wrong_shares: 0, wrong_sums: 0, wrong_best: 0 };
function expectAllAlike(report: Record<string, unknown>): void {
  const { wrong, ...rest } = report as { wrong: Record<string, number> };
  expect(wrong).toEqual(Object.fromEntries(Object.keys(wrong).map((way) => [way, 0])));
  expect(rest).toMatchObject(NOTHING_WRONG);
}

describe('the loader of models in Python', () => {
  it('reads each cell of the shared cases as TypeScript does', async () => {
    const found = await python(
      'check_cells.py',
      here('../../tracking'),
      here('../fixtures/cells.json'),
    );
    expect(found).toEqual([]);
  });
});

describe('a model that stock MLflow has loaded', () => {
  it('answers files of booleans, of dates and of decimal commas, whether pandas parsed them or not', async () => {
    const read = (name: string) => readFileSync(here(`../fixtures/cases/${name}.csv`), 'utf8');
    const [bool, date, dec] = [read('bool'), read('date'), read('dec')];
    const european = { delimiter: ';', cells: { ...POINT, decimal: ',' } } as const;
    const reports = await ask(
      { trained: await train(bool), csv: bool },
      { trained: await train(date), csv: date, dates: ['day'] },
      { trained: await train(dec, european), csv: dec, delimiter: ';', decimal: ',' },
    );
    for (const report of reports) {
      expectAllAlike(report);
      expect(report).toMatchObject({ equal: 1, accuracy: 1, example: 1 });
    }
    expect(reports).toMatchObject([
      { types: ['string', 'double'], shares: ['no', 'yes'] },
      { types: ['string', 'double'], shares: ['early', 'late'] },
      { types: ['string'], shares: ['a', 'b'] },
    ]);
  });

  it('has labels that are numbers or booleans, where pandas reads them as such', async () => {
    const kinds = { i: ['0', '1'], f: ['0.0', '1.0'], b: ['TRUE', 'FALSE'] };
    const questions = Object.entries(kinds).map(async ([kind, labels]): Promise<Question> => {
      const rows = Array.from({ length: 60 }, (_, i) => `${i},${labels[i < 30 ? 0 : 1]}`);
      const csv = `x,label\n${rows.join('\n')}\n`;
      const { modelUri, answer } = await train(csv);
      const { answers, ...rest } = answer(csv);
      const typed = answers.map((label) => (kind === 'b' ? label === 'TRUE' : Number(label)));
      const trained = { modelUri, answer: () => ({ ...rest, answers: typed }) };
      return { trained, csv, evaluate: true };
    });
    const reports = await ask(...(await Promise.all(questions)));
    reports.forEach(expectAllAlike);
    const same = { equal: 1, accuracy: 1, evaluate: 1 };
    expect(reports).toMatchObject(Object.keys(kinds).map((kind) => ({ kind, ...same })));
  });

  it('answers thousands of rows of every kind of cell as ml-cart and the pipeline do', async () => {
    const trained = await train(makeRows(3000, 1), { declared });
    const [report = {}] = await ask({ trained, csv: makeRows(4000, 2), dates: ['day'] });
    expectAllAlike(report);
    expect(report).toMatchObject({ kind: 'i', shares: ['0', '1', '2'] });
    expect(report['accuracy']).toBeGreaterThan(0.5);
  });

  it('is of an earlier program, and answers as it did beside one of this program', async () => {
    const { columns, rows, predictions, tree, encoder } = mixedModel();
    const file = join(home, 'mixed.csv');
    writeFileSync(file, [columns, ...rows].map((row) => `${row.join()}\n`).join(''));
    const earlier = here('../fixtures/earlier-model');
    const now = await store(Buffer.from(JSON.stringify(tree)), encoder as Encoder);
    const answers = await python('load_models.py', file, earlier, now, earlier);
    expect(answers).toEqual([predictions, predictions, predictions]);
  });

  it('has a tree as deep as model.max_depth may be', async () => {
    const depth = 1000;
    const leaf = (label: number) => ({ distribution: [label === 0 ? [1] : [0, 1]] });
    let root: object = leaf(0);
    for (let value = depth; value > 0; value--)
      root = { splitColumn: 0, splitValue: value, left: leaf(1), right: root };
    const file = join(home, 'deep.csv');
    writeFileSync(file, `x\n0\n${depth - 1}\n${depth}\n`);
    const features = [{ name: 'x', type: 'number', median: 0 }] as const;
    const encoder = { schema: 1, target: 'y', missing: 'impute', classes: ['5', '6'] } as const;
    const tree = Buffer.from(JSON.stringify({ name: 'DTClassifier', root }));
    const modelUri = await store(tree, { ...encoder, features });
    expect(await python('load_models.py', file, modelUri)).toEqual([[6, 6, 5]]);
  });

  it('is served for text/csv and for every JSON format of the scoring protocol', async () => {
    const trained = await train(makeRows(1000, 3), { declared });
    // A column of type double takes empty cells, and no other word for a missing cell.
    const csv = makeRows(500, 4).replaceAll(',?,', ',,');
    const { answers } = trained.answer(csv);
    const [header = [], ...rows] = csv
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    const columns = header.map((name) => name.trim());
    const data = rows.map((row) => row.map((cell) => (cell === '' || cell === 'NA' ? null : cell)));
    const records = data.map((row) =>
      Object.fromEntries(row.map((cell, i) => [columns[i]!, cell])),
    );
    const lists = Object.fromEntries(columns.map((name, i) => [name, data.map((row) => row[i])]));
    const server = await serve(trained.modelUri);
    try {
      const post = async (type: string, body: string): Promise<unknown> => {
        const answer = await fetch(`${server.url}/invocations`, {
          method: 'POST',
          headers: { 'content-type': type },
          body,
        });
        const text = await answer.text();
        return answer.ok ? (JSON.parse(text) as { predictions: unknown }).predictions : text;
      };
      expect(await post('text/csv', csv)).toEqual(answers);
      for (const body of [
        { dataframe_split: { columns, data } },
        { dataframe_records: records },
        { instances: records },
        { inputs: lists },
      ])
        expect([
          Object.keys(body)[0],
          await post('application/json', JSON.stringify(body)),
        ]).toEqual([Object.keys(body)[0], answers]);
      const lacking = { dataframe_split: { columns: ['flag'], data: [['TRUE']] } };
      expect(await post('application/json', JSON.stringify(lacking))).toContain(
        "the data lacks columns ['lead', 'whole', 'code', 'big', 'price', 'dirty', 'day', 'word']",
      );
      const asked = { dataframe_records: records.slice(0, 1), params: { proba: true } };
      const [shares] = (await post('application/json', JSON.stringify(asked))) as [object];
      expect(Object.keys(shares)).toEqual(['0', '1', '2']);
    } finally {
      server.stop();
    }
  });
});

/** `mlflow models serve`, ready to be asked. */
async function serve(modelUri: string): Promise<{ url: string; stop: () => void }> {
  const port = await freePort();
  const args = ['models', 'serve', '--model-uri', modelUri, '--port', String(port)];
  const child = spawn(`${venv}/bin/mlflow`, [...args, '--env-manager', 'local', '--workers', '1'], {
    env: { ...process.env, PATH: `${venv}/bin:${process.env['PATH']}`, MLFLOW_TRACKING_URI: uri },
    detached: true, // so that the server's own processes end with it
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}`;
  const stop = (): void => {
    process.kill(-child.pid!, 'SIGTERM');
  };
  for (let attempt = 0; attempt < 240; attempt++) {
    if (
      await fetch(`${url}/ping`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return { url, stop };
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  stop();
  throw new Error('mlflow models serve did not start within 120 s');
}
