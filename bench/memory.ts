/**
 * Peak memory of fitting a tree grown to its end and writing its JSON, each case in a process of its own,
 * beside the bound of 3 × 8 bytes a value and 300 MB. `npm run bench:memory [-- --quick]`.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { table as print } from '../client/display.ts';
import { fitClasses, fitNumbers } from '../pipeline/cart/fit.ts';
import { treeToJson } from '../pipeline/tree.ts';
import { keepResults } from './results.ts';
import { makeTable } from './tree-data.ts';

type Kind = 'classes' | 'numbers';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, case: { type: 'string' } },
});
const cases: [Kind, number, number][] = [
  ['classes', 100_000, 4],
  ['numbers', 100_000, 4],
  ['classes', 100_000, 20],
  ['numbers', 100_000, 20],
  ['classes', 1_000_000, 4],
  ['numbers', 1_000_000, 4],
  ['classes', 1_000_000, 20],
  ['numbers', 1_000_000, 20],
];

if (values.case === undefined) measureAll();
else measureOne(JSON.parse(values.case) as (typeof cases)[number]);

/** Fits one case and prints what this process took at its peak, in MB, and the size of the JSON. */
function measureOne([kind, rows, width]: (typeof cases)[number]): void {
  const { columns, classes, numbers } = makeTable(rows, width, 1);
  const params = { max_depth: Infinity, min_samples_split: 2, min_gain: 0 };
  const tree =
    kind === 'classes'
      ? fitClasses(columns, classes, 3, params)
      : fitNumbers(columns, numbers, params);
  const json = treeToJson(tree).byteLength / 1e6;
  const peak = (process.resourceUsage().maxRSS * 1024) / 1e6;
  process.stdout.write(JSON.stringify({ peak, json, ...tree.grown.measure() }));
}

function measureAll(): void {
  const some = values.quick ? cases.slice(0, 4) : cases;
  const measured = some.map(([kind, rows, width]) => {
    const args = ['--import', import.meta.resolve('tsx'), fileURLToPath(import.meta.url)];
    const text = execFileSync(
      process.execPath,
      [...args, '--case', JSON.stringify([kind, rows, width])],
      { encoding: 'utf8' },
    );
    const found = JSON.parse(text) as { peak: number; json: number; leaves: number };
    return { kind, rows, width, ...found, bound: (3 * 8 * rows * width) / 1e6 + 300 };
  });
  const head = ['target', 'rows', 'columns', 'leaves', 'JSON MB', 'peak MB', 'bound MB'];
  const body = measured.map(({ kind, rows, width, leaves, json, peak, bound }) => [
    kind,
    rows,
    width,
    leaves,
    json.toFixed(0),
    peak.toFixed(0),
    bound.toFixed(0),
  ]);
  process.stdout.write(`${print(head, body)}\n`);
  keepResults('memory', { unit: 'MB, resident at the peak', measured });
}
