import type { VersionRecord } from '../../../store/version-record.ts';
import { findDecision } from '../../champion.ts';
import { printFact, say } from '../../print.ts';
import { describeStanding, describeWaiting, type WaitingNow } from '../../promotion.ts';
import type { Stored } from './stored-version.ts';

/** Prints what the gate decided about a build, which build is the champion, and what waits for a person. */
export function printDecision(
  record: VersionRecord,
  history: Stored['history'],
  { waiting, problem }: WaitingNow,
): void {
  const decision = findDecision(record);
  if (decision !== null) printFact('gate', `${decision.outcome}: ${decision.reason}`);
  if (history !== null) printFact('champion', describeStanding(history, record, decision?.reason));
  if (waiting !== null) printFact('waits', describeWaiting(record.pipeline, waiting).join('\n'));
  if (problem !== null) say(`it is not known what waits for approval: ${problem}`, 'warning');
}
