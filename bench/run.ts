/**
 * Runs every benchmark in turn, each in a process of its own: `npm run bench [-- --quick] [part …]`.
 * What they measured is in bench/results.json, and drawn in bench/plots.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { table } from '../client/format.ts';
import { parts } from './parts.ts';

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
process.stdout.write(`\n${table(['part', 'minutes', ''], rows)}\n`);
if (ran.some(({ ended }) => !ended)) process.exitCode = 1;
