import type { VersionRecord } from '../../../store/version-record.ts';
import { findDecision } from '../../champion.ts';
import { printFact } from '../../print.ts';
import { describeStanding, printWaiting, type WaitingNow } from '../../promotion.ts';
import type { Stored } from './stored-version.ts';

/** Prints what the gate decided about a build, which build is the champion, and what waits for a person. */
export function printDecision(
  record: VersionRecord,
  history: Stored['history'],
  now: WaitingNow,
): void {
  const decision = findDecision(record, history);
  if (decision !== null) printFact('gate', `${decision.outcome}: ${decision.reason}`);
  if (history !== null) printFact('champion', describeStanding(history, record, decision?.reason));
  printWaiting(record.pipeline, now);
}
