import { parseArgs } from 'node:util';
import { table } from '../../client/display.ts';
import { FAULT_NAMES, type FaultName } from './faults.ts';
import { randomFrom } from './random.ts';
import { runCalm, runRound, type Round } from './round.ts';
import { openServers } from './servers.ts';

/**
 * Many rounds of harm on servers of their own: `npm run faults -- --rounds 200 [--seed S] [--only worker,s3]`.
 * What went wrong is told as it happens, on stderr; the table comes on stdout.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string', default: FAULT_NAMES.join(',') },
  },
});
const names = values.only
  .split(',')
  .filter((name): name is FaultName => FAULT_NAMES.includes(name as FaultName));
const [count, seed] = [Number(values.rounds), Number(values.seed)];
if (names.length === 0 || !(count > 0) || !Number.isInteger(seed))
  throw new Error(`--rounds and --seed are numbers, --only of ${FAULT_NAMES.join(', ')}`);

const say = (text: string): void => void process.stderr.write(`${text}\n`);
say(`seed ${seed}`);
const servers = await openServers();
const rounds: Round[] = [];
try {
  await runCalm('warm');
  const calm = await runCalm('calm');
  say(`an undisturbed run takes ${calm.durationMs} ms`);
  for (let i = 0; i < count; i++) {
    // Each round's numbers are its own, so that one of them can be looked at again.
    const random = randomFrom(seed + i);
    const fault = names[i % names.length]!;
    const round = await runRound(servers, calm, { name: `round-${i}`, fault, random });
    rounds.push(round);
    say(lineOf(i, round));
  }
} finally {
  await servers.close();
}
process.stdout.write(`${tableOf(rounds)}\nseed ${seed}\n`);
process.exitCode = rounds.every(isClean) ? 0 : 1;

function isClean({ completed, wrong, duplicates }: Round): boolean {
  return completed && wrong.length === 0 && duplicates.length === 0;
}

function lineOf(i: number, round: Round): string {
  const { fault, at, open, away, recovery } = round;
  const found = [...round.wrong, ...round.duplicates].join('; ');
  const times = `at ${at} ms${open ? '' : ', after its end'}, whole ${away} ms later, done ${recovery} ms after that`;
  return `round ${i}  ${fault}  ${times}  ${found === '' ? 'clean' : found}`;
}

function tableOf(all: readonly Round[]): string {
  const rows = names.map((fault) => {
    const of = all.filter((round) => round.fault === fault);
    const longest = (times: number[]): string => `${(Math.max(0, ...times) / 1000).toFixed(1)} s`;
    return [
      fault,
      of.length,
      of.filter(({ open }) => open).length,
      of.filter(({ completed }) => completed).length,
      of.filter(({ wrong }) => wrong.length > 0).length,
      of.filter(({ duplicates }) => duplicates.length > 0).length,
      longest(of.map(({ away }) => away)),
      longest(of.map(({ recovery }) => recovery)),
    ];
  });
  return table(
    [
      'fault',
      'rounds',
      'in a run',
      'completed',
      'wrong',
      'duplicates',
      'longest away',
      'longest recovery',
    ],
    rows,
  );
}
