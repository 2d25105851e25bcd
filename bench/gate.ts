import { parseArgs } from 'node:util';
import { formatTable } from '../client/format.ts';
import { simulateGates, type Scenario } from './gate/simulate.ts';

/**
 * Decides gates on made rows and prints how often the challenger is shown to be worse, and to be better: equal models,
 * and models that differ. docs/gate.md has the table.
 * `npm run bench:gate [-- --gates=N]`.
 */

const { values: asked } = parseArgs({ options: { gates: { type: 'string', default: '1000' } } });
const gates = Number(asked.gates);

/** The two models of a row of the table: for classes the share of correct rows, for numbers the size of the errors. */
const CASES: readonly [name: string, classes: Partial<Scenario>, numbers: Partial<Scenario>][] = [
  ['equal', { challenger: 0.85, champion: 0.85 }, { challenger: 1, champion: 1 }],
  ['better', { challenger: 0.9, champion: 0.82 }, { challenger: 1, champion: 1.25 }],
  ['worse', { challenger: 0.82, champion: 0.9 }, { challenger: 1.25, champion: 1 }],
];
const SIZES = [20, 50, 200, 1000];
const METRICS = ['accuracy', 'f1_macro', 'rmse'];

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const table: string[][] = [];
for (const metric of METRICS)
  for (const rows of SIZES) {
    const cells = CASES.map(([, classes, numbers], i) => {
      const models = metric === 'rmse' ? numbers : classes;
      const scenario = { metric, rows, challenger: 0, champion: 0, ...models };
      return simulateGates(scenario, { gates, seed: 1_000 * rows + i });
    });
    const [equal, better, worse] = cells;
    table.push(
      [metric, String(rows)].concat(
        [equal!.worse, equal!.better, worse!.worse, better!.better].map(percent),
      ),
    );
    process.stderr.write(`${table.at(-1)!.join('  ')}\n`);
  }
process.stdout.write(
  `${formatTable(
    ['metric', 'test rows', 'equal, held', 'equal, “better”', 'worse, held', 'better, “better”'],
    table,
  )}\n`,
);
