import { writeFileSync } from 'node:fs';
import { formatTable } from '../../client/format.ts';
import type { FaultName } from './faults.ts';
import type { Round } from './round.ts';

/** What all rounds of one fault came to. */
interface Tally {
  fault: FaultName;
  rounds: number;
  inARun: number;
  completed: number;
  wrong: number;
  duplicates: number;
  longestAwayMs: number;
  longestRecoveryMs: number;
}

const HEADINGS = ['fault', 'rounds', 'in a run', 'completed', 'wrong', 'duplicates'];

/** Whether a round left what an undisturbed run leaves. */
export function isClean({ completed, wrong, duplicates }: Round): boolean {
  return completed && wrong.length === 0 && duplicates.length === 0;
}

/** A round in a line. */
export function lineOf(number: number, round: Round): string {
  const { fault, at, open, away, recovery } = round;
  const found = [...round.wrong, ...round.duplicates].join('; ');
  const times = `at ${at} ms${open ? '' : ', after its end'}, whole ${away} ms later, done ${recovery} ms after that`;
  return `round ${number}  ${fault}  ${times}  ${found === '' ? 'clean' : found}`;
}

/** The table of all rounds, a line for each fault. */
export function tableOf(names: readonly FaultName[], rounds: readonly Round[]): string {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const rows = tallied(names, rounds).map((of) => [
    of.fault,
    of.rounds,
    of.inARun,
    of.completed,
    of.wrong,
    of.duplicates,
    seconds(of.longestAwayMs),
    seconds(of.longestRecoveryMs),
  ]);
  return formatTable([...HEADINGS, 'longest away', 'longest recovery'], rows);
}

/** Writes the table and every round as JSON: after each, so that a run cut short leaves its own. */
export function writeTally(
  file: string,
  { seed, names, rounds }: { seed: number; names: readonly FaultName[]; rounds: readonly Round[] },
): void {
  const document = { seed, faults: tallied(names, rounds), rounds };
  writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
}

function tallied(names: readonly FaultName[], rounds: readonly Round[]): Tally[] {
  return names.map((fault) => {
    const of = rounds.filter((round) => round.fault === fault);
    return {
      fault,
      rounds: of.length,
      inARun: of.filter(({ open }) => open).length,
      completed: of.filter(({ completed }) => completed).length,
      wrong: of.filter(({ wrong }) => wrong.length > 0).length,
      duplicates: of.filter(({ duplicates }) => duplicates.length > 0).length,
      longestAwayMs: Math.max(0, ...of.map(({ away }) => away)),
      longestRecoveryMs: Math.max(0, ...of.map(({ recovery }) => recovery)),
    };
  });
}
