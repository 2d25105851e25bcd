/**
 * What a second thread brings: seconds on the wall to fit a tree grown to its end, alone and with one
 * helper in turn, on the same data. `npm run bench:threads [-- --quick]`.
 */
import { parseArgs } from 'node:util';
import { openCrew } from '../activities/crew.ts';
import { table as print } from '../client/display.ts';
import {
  fitClasses,
  fitClassesTogether,
  fitNumbers,
  fitNumbersTogether,
} from '../pipeline/cart/fit.ts';
import { keepResults, spreadOf } from './results.ts';
import { makeTable } from './tree-data.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const sizes = values.quick ? [100_000] : [100_000, 300_000];
const WIDTH = 20;
const ROUNDS = 3;
const params = { max_depth: Infinity, min_samples_split: 2, min_gain: 0 };

async function seconds(run: () => unknown): Promise<number> {
  const begun = performance.now();
  await run();
  return (performance.now() - begun) / 1000;
}

const crew = openCrew(1);
const measured: {
  kind: string;
  rows: number;
  width: number;
  one: number;
  two: number;
}[] = [];
for (const rows of sizes) {
  const { columns, classes, numbers } = makeTable(rows, WIDTH, 1);
  const kinds = {
    classes: [
      () => fitClasses(columns, classes, 3, params),
      () => fitClassesTogether(columns, classes, 3, params, crew),
    ],
    numbers: [
      () => fitNumbers(columns, numbers, params),
      () => fitNumbersTogether(columns, numbers, params, crew),
    ],
  } as const;
  for (const [kind, [alone, together]] of Object.entries(kinds)) {
    await together(); // the helper starts
    const [one, two]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      one.push(await seconds(alone));
      two.push(await seconds(together));
    }
    const medians = { one: spreadOf(one).median, two: spreadOf(two).median };
    measured.push({ kind, rows, width: WIDTH, ...medians });
  }
}
await crew.close();
const head = ['target', 'rows', 'columns', '1 thread s', '2 threads s', '×'];
const body = measured.map(({ kind, rows, width, one, two }) => [
  kind,
  rows,
  width,
  one.toFixed(2),
  two.toFixed(2),
  (one / two).toFixed(2),
]);
process.stdout.write(`${print(head, body)}\n`);
keepResults('threads', { unit: 'seconds on the wall, median', rounds: ROUNDS, measured });
