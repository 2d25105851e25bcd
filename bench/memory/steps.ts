/** Runs one step of a table in its own process and prints its peak resident memory in MB as JSON. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openHelpers } from '../../compute/helpers.ts';
import { localFiles } from '../../compute/local-files.ts';
import { table as tableOf } from 'arquero';
import type { Column } from '../../pipeline/batches/columns.ts';
import { encoderToJson } from '../../pipeline/features/encoder.ts';
import { tasks } from '../../compute/tasks.ts';
import { partToArrow } from '../../pipeline/features/part.ts';
import { makeTable, type Table } from '../tree-data.ts';

export interface Case {
  /** The kind of target. */
  readonly kind: 'classes' | 'numbers';
  readonly rows: number;
  readonly width: number;
}

/** `parts` and `csv` write the input of the stages. The others are the stages; `train2` has two threads. */
export type Step = 'parts' | 'csv' | 'preprocess' | 'train' | 'train2' | 'evaluate';

export interface StepJob extends Case {
  readonly step: Step;
  readonly folder: string;
}

const ROWS_PER_PART = 50_000;
/** Rows of a batch. Batches are preprocessed one by one. */
export const ROWS_PER_BATCH = 5000;
/** The number of counts that the stage keeps before it adds them up. */
const MOST_COUNTS = 16;
const CLASSES = ['a', 'b', 'c'];
const TARGET = 'label';
const model = { max_depth: 1000, min_samples_split: 2, min_samples_leaf: 1, min_gain: 0 };

const job = JSON.parse(process.argv[2]!) as StepJob;
const { kind, rows, width, folder } = job;
const type = 'decision_tree';
const task = kind === 'classes' ? 'classification' : 'regression';
const names = Array.from({ length: width }, (_, i) => `x${i}`);
const encoder = join(folder, 'encoder');
const into = join(folder, 'model.json');
const csv = (batch: number): string => join(folder, `batch_${batch}.csv`);

const steps: Record<Step, () => unknown> = {
  parts: () => {
    writeParts(makeTable(rows, width, 1), join(folder, 'train'));
    writeParts(makeTable(rows / 5, width, 2), join(folder, 'test'));
    const features = names.map((name) => ({ name, type: 'number' as const, median: 0.5 }));
    const classes = kind === 'classes' ? { classes: CLASSES } : {};
    const json = { schema: 1, target: TARGET, missing: 'impute', ...classes, features } as const;
    writeFileSync(encoder, encoderToJson(json));
  },
  csv: () => {
    for (let batch = 1; batch <= rows / ROWS_PER_BATCH; batch++) writeBatch(batch);
  },
  preprocess,
  train: () => train(0),
  train2: () => train(1),
  evaluate: () => {
    const parts = readParts(rows / 5, 'test');
    const rest = { names: [], check: { trained: [], checked: 0 }, split: { key: null } };
    const input = { batch: 1, type, model: into, encoder: readFileSync(encoder), parts, ...rest };
    return tasks.evaluateModel(input, undefined, { files: localFiles });
  },
};

await steps[job.step]();
process.stdout.write(JSON.stringify({ peak: (process.resourceUsage().maxRSS * 1024) / 1e6 }));

async function train(count: number): Promise<void> {
  rmSync(into, { force: true });
  const parts = readParts(rows, 'train');
  const given = { task, type, ...model } as const;
  const input = { parts, encoder: readFileSync(encoder), model: given, into };
  const helpers = openHelpers(count);
  await tasks.fitModel(input, undefined, { files: localFiles, helpers });
  await helpers.close();
}

/** The work of the stage for a version with no encoded batch. */
function preprocess(): void {
  const columns: Column[] = [
    ...names.map((name) => ({ name, type: 'number' as const })),
    { name: TARGET, type: kind === 'classes' ? 'category' : 'number' },
  ];
  const of = { columns, target: TARGET, testSize: 0.2 };
  let counts: Uint8Array[] = [];
  for (let batch = 1; batch <= rows / ROWS_PER_BATCH; batch++) {
    const bytes = readFileSync(csv(batch));
    const part = tasks.encodePart({
      bytes,
      file: csv(batch),
      cells: { missing: [''] },
      key: null,
      ...of,
    });
    counts.push(part.counts);
    if (counts.length === MOST_COUNTS)
      counts = [tasks.addCounts({ counts, until: batch, target: TARGET }).counts];
  }
  const rest = { until: rows / ROWS_PER_BATCH, missing: 'impute' } as const;
  tasks.fitFromCounts({ counts, what: 'the last version', ...of, ...rest, dateParts: [] });
}

function writeBatch(batch: number): void {
  const { columns, classes, numbers } = makeTable(ROWS_PER_BATCH, width, batch);
  let text = `${names.join()},${TARGET}\n`;
  for (let row = 0; row < ROWS_PER_BATCH; row++) {
    const cells = columns.map((column) => column[row]!.toFixed(6));
    const label = kind === 'classes' ? CLASSES[classes[row]!]! : numbers[row]!.toFixed(6);
    text += `${cells.join()},${label}\n`;
  }
  writeFileSync(csv(batch), text);
}

function writeParts(table: Table, side: string): void {
  for (let at = 0, part = 0; at < table.rows; at += ROWS_PER_PART, part++) {
    const end = Math.min(at + ROWS_PER_PART, table.rows);
    const features = names.map((name) => ({ name, type: 'number' }) as const);
    const label = { name: TARGET, type: kind === 'classes' ? 'category' : 'number' } as const;
    const columns = new Map<string, unknown>(
      table.columns.map((column, i) => [names[i]!, column.slice(at, end)]),
    );
    const classes = Array.from(table.classes.slice(at, end), (code) => CLASSES[code]!);
    columns.set(TARGET, kind === 'classes' ? classes : table.numbers.slice(at, end));
    writeFileSync(`${side}-${part}`, partToArrow({ features, label, table: tableOf(columns) }));
  }
}

function readParts(count: number, name: string): Uint8Array[] {
  return Array.from({ length: Math.ceil(count / ROWS_PER_PART) }, (_, part) =>
    readFileSync(join(folder, `${name}-${part}`)),
  );
}
