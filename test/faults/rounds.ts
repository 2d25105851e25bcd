import { parseArgs } from 'node:util';
import { FAULT_NAMES, type FaultName } from './faults.ts';
import { randomFrom } from './random.ts';
import { runCalm, runRound, type Round } from './round.ts';
import { openServers } from './servers.ts';
import { isClean, lineOf, tableOf, writeTally } from './tally.ts';

/**
 * Many rounds of harm on their own servers:
 * `npm run faults -- --rounds 200 [--seed S] [--only worker,s3] [--json FILE]`.
 * What goes wrong is reported as it happens, on stderr; the table comes on stdout, also when Ctrl-C or SIGTERM
 * ends it early: of the rounds that were over by then.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string', default: FAULT_NAMES.join(',') },
    json: { type: 'string' },
  },
});
const names = values.only
  .split(',')
  .filter((name): name is FaultName => FAULT_NAMES.includes(name as FaultName));
const [count, seed] = [Number(values.rounds), Number(values.seed)];
if (names.length === 0 || !(count > 0) || !Number.isInteger(seed))
  throw new Error(`--rounds and --seed are numbers, --only of ${FAULT_NAMES.join(', ')}`);

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (stop.signal.aborted) return; // npm and tsx pass on what the whole group was sent already
    say(`${signal}: the round under way is given up`);
    stop.abort();
  });

say(`seed ${seed}`);
const servers = await openServers();
const rounds: Round[] = [];
try {
  await runCalm('warm', stop.signal);
  const calm = await runCalm('calm', stop.signal);
  say(`an undisturbed run takes ${calm.durationMs} ms`);
  for (let i = 0; i < count; i++) {
    // Each round's numbers are its own, so that one of them can be looked at again.
    const random = randomFrom(seed + i);
    const fault = names[i % names.length]!;
    const round = await runRound(servers, calm, {
      name: `round-${i}`,
      fault,
      random,
      signal: stop.signal,
    });
    rounds.push(round);
    say(lineOf(i, round));
    if (values.json !== undefined) writeTally(values.json, { seed, names, rounds });
  }
} catch (error) {
  if (!stop.signal.aborted) throw error;
} finally {
  await servers.close();
}
process.stdout.write(`${tableOf(names, rounds)}\nseed ${seed}\n`);
// What a round that was given up still waits for must not keep the process.
process.exit(stop.signal.aborted ? 130 : rounds.every(isClean) ? 0 : 1);
