/**
 * Runs every benchmark in turn, each in a process of its own: `npm run bench [-- --quick] [part …]`.
 * What they measured is in bench/results.json, and drawn in bench/plots; a quick run only prints it.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from '../client/format.ts';

/** One benchmark: a script that prints its tables and writes its measurements into results.json. */
interface Part {
  /** The name in `npm run bench:<name>`; its file is `<name>.ts`. */
  readonly name: string;
  readonly about: string;
  /** How long a full run takes on two quiet cores. */
  readonly minutes: number;
}

/** Everything `npm run bench` runs, in this order. */
const parts: readonly Part[] = [
  { name: 'train', about: 'fitting: ours, ml-cart, scikit-learn', minutes: 17 },
  { name: 'predict', about: 'rows a second: ours, ml-cart, scikit-learn', minutes: 1 },
  { name: 'serve', about: 'requests for predictions, beside mlflow models serve', minutes: 6 },
  { name: 'memory', about: 'peak memory of preprocess, train and evaluate', minutes: 3 },
  { name: 'tables', about: 'CSV to encoded parts, beside pandas', minutes: 2 },
  { name: 'cli', about: 'what commands cost, beside dvc and mlflow', minutes: 1 },
  { name: 'batch', about: 'a batch beside seven empty activities', minutes: 1 },
  { name: 'baseline', about: 'whole batches, against scripts with DVC and MLflow', minutes: 10 },
  { name: 'cost', about: 'what a version costs, beside DVC with merged files', minutes: 2 },
];

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !parts.some((part) => part.name === name));
if (unknown.length > 0) {
  const names = parts.map(({ name }) => name).join(', ');
  process.stderr.write(`there is no benchmark ${unknown.join(', ')}: give some of ${names}\n`);
  process.exit(1);
}
const chosen = positionals.length === 0 ? parts : parts.filter((p) => positionals.includes(p.name));
const minutes = chosen.reduce((sum, part) => sum + part.minutes, 0);
if (!values.quick) process.stderr.write(`about ${minutes} minutes on two quiet cores\n`);

const ran = chosen.map(({ name, about }) => {
  process.stdout.write(`\n${name}: ${about}\n`);
  const script = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  const args = [
    '--import',
    import.meta.resolve('tsx'),
    script,
    ...(values.quick ? ['--quick'] : []),
  ];
  const begun = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  return { name, minutes: (performance.now() - begun) / 60_000, ended: status === 0 };
});
const rows = ran.map(({ name, minutes: took, ended }) => [
  name,
  took.toFixed(1),
  ended ? 'done' : 'failed',
]);
process.stdout.write(`\n${formatTable(['part', 'minutes', ''], rows)}\n`);
if (ran.some(({ ended }) => !ended)) process.exitCode = 1;
