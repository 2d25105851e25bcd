/**
 * Peak memory of growing a tree to its end and writing its JSON to a file, each case in a process of its
 * own, beside the bound of 3 × 8 bytes a value and 300 MB. Classes go the whole way of the train stage,
 * from encoded parts; then the evaluate stage reads the tree and scores a fifth as many rows.
 * `npm run bench:memory [-- --quick]`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { threadFiles } from '../activities/thread-files.ts';
import { table as print } from '../client/display.ts';
import { partToArrow } from '../pipeline/arrow.ts';
import { fitNumbers } from '../pipeline/cart/fit.ts';
import { type Encoder, encoderToJson } from '../pipeline/encoder.ts';
import { evaluate, fitTree } from '../pipeline/model-tasks.ts';
import { treeToJson } from '../pipeline/tree.ts';
import { keepResults } from './results.ts';
import { makeTable, type Table } from './tree-data.ts';

type Kind = 'classes' | 'numbers';
interface Case {
  readonly kind: Kind;
  readonly rows: number;
  readonly width: number;
}
/** What one process does of a case. */
type Step = 'prepare' | 'fit' | 'score';

const ROWS_PER_PART = 50_000;
const CLASSES = ['a', 'b', 'c'];
const params = { max_depth: Infinity, min_samples_split: 2, min_samples_leaf: 1, min_gain: 0 };

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, step: { type: 'string' } },
});
if (values.step === undefined) measureAll();
else {
  const { step, folder, ...one } = JSON.parse(values.step) as Case & { step: Step; folder: string };
  if (step === 'prepare') prepare(one, folder);
  else if (step === 'fit') await fit(one, folder);
  else score(one, folder);
  const peak = (process.resourceUsage().maxRSS * 1024) / 1e6;
  process.stdout.write(JSON.stringify({ peak }));
}

/** Writes the table as the parts the stages are given. */
function prepare({ rows, width }: Case, folder: string): void {
  writeParts(makeTable(rows, width, 1), join(folder, 'train'));
  writeParts(makeTable(rows / 5, width, 2), join(folder, 'test'));
  const features = Array.from({ length: width }, (_, i) => ({
    name: `x${i}`,
    type: 'number' as const,
    median: 0.5,
  }));
  const encoder: Encoder = {
    schema: 1,
    target: 'label',
    missing: 'impute',
    classes: CLASSES,
    features,
  };
  writeFileSync(join(folder, 'encoder'), encoderToJson(encoder));
}

function writeParts({ rows, columns, classes }: Table, name: string): void {
  for (let at = 0, part = 0; at < rows; at += ROWS_PER_PART, part++) {
    const end = Math.min(at + ROWS_PER_PART, rows);
    const bytes = partToArrow({
      rows: end - at,
      columns: columns.map((column, i) => ({
        name: `x${i}`,
        type: 'number',
        values: column.slice(at, end),
      })),
      label: {
        name: 'label',
        type: 'category',
        words: CLASSES,
        codes: Int32Array.from(classes.subarray(at, end)),
      },
    });
    writeFileSync(`${name}-${part}`, bytes);
  }
}

function readParts(rows: number, name: string): Uint8Array[] {
  return Array.from({ length: Math.ceil(rows / ROWS_PER_PART) }, (_, part) =>
    readFileSync(`${name}-${part}`),
  );
}

async function fit({ kind, rows, width }: Case, folder: string): Promise<void> {
  const into = join(folder, 'model.json');
  rmSync(into, { force: true });
  if (kind === 'numbers') {
    const { columns, numbers } = makeTable(rows, width, 1);
    for (const piece of treeToJson(fitNumbers(columns, numbers, params)))
      threadFiles.append(into, piece);
    return;
  }
  const parts = readParts(rows, join(folder, 'train'));
  const encoder = readFileSync(join(folder, 'encoder'));
  await fitTree({ parts, encoder, model: params, into }, undefined, { files: threadFiles });
}

function score({ rows }: Case, folder: string): void {
  const parts = readParts(rows / 5, join(folder, 'test'));
  const encoder = readFileSync(join(folder, 'encoder'));
  const model = join(folder, 'model.json');
  evaluate({ batch: 1, model, encoder, parts }, undefined, { files: threadFiles });
}

function peakOf(one: Case, step: Step, folder: string): number {
  const job = JSON.stringify({ ...one, step, folder });
  const args = ['--import', import.meta.resolve('tsx'), fileURLToPath(import.meta.url)];
  const text = execFileSync(process.execPath, [...args, '--step', job], { encoding: 'utf8' });
  return (JSON.parse(text) as { peak: number }).peak;
}

function measureAll(): void {
  const shapes = [
    [100_000, 4],
    [100_000, 20],
    [1_000_000, 4],
    [1_000_000, 20],
  ] as const;
  const folder = mkdtempSync(join(tmpdir(), 'bench-memory-'));
  try {
    const measured = shapes.slice(0, values.quick ? 2 : 4).flatMap(([rows, width]) =>
      (['classes', 'numbers'] as const).map((kind) => {
        const one = { kind, rows, width };
        if (kind === 'classes') peakOf(one, 'prepare', folder);
        const fitted = peakOf(one, 'fit', folder);
        const json = statSync(join(folder, 'model.json')).size / 1e6;
        const scored = kind === 'classes' ? peakOf(one, 'score', folder) : null;
        return { ...one, json, fit: fitted, bound: (24 * rows * width) / 1e6 + 300, score: scored };
      }),
    );
    const head = ['target', 'rows', 'columns', 'JSON MB', 'fit MB', 'bound MB', 'evaluate MB'];
    const body = measured.map(({ kind, rows, width, json, fit: fitted, bound, score: scored }) => [
      kind,
      rows,
      width,
      json.toFixed(0),
      fitted.toFixed(0),
      bound.toFixed(0),
      scored === null ? '–' : scored.toFixed(0),
    ]);
    process.stdout.write(`${print(head, body)}\n`);
    keepResults('memory', { unit: 'MB, resident at the peak', measured });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
