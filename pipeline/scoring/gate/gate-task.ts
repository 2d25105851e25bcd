import { BadData } from '../../../contract/failures.ts';
import type { GateDecision } from '../../../contract/promotion.ts';
import type { Files } from '../../batches/files.ts';
import type { StoredModel } from '../../models/estimators.ts';
import type { Report } from '../../progress.ts';
import { type Contest, decideTested, untested } from './decide.ts';
import { testDifference } from './difference.ts';
import { pairRows } from './pairs.ts';

/** With fewer rows, a test of a slice shows nothing, and it costs the other slices some of their power. */
const FEWEST = 30;

/**
 * Compares the challenger with the champion on the same test rows, and decides whether it would replace it.
 * @param input.parts Arrow files of test rows
 */
export function decideGate(
  {
    contest,
    ...input
  }: {
    contest: Contest;
    challenger: StoredModel;
    champion: StoredModel;
    parts: Uint8Array[];
  },
  report: Report | undefined,
  { files }: { files: Files },
): { decision: GateDecision; warnings: string[] } {
  const hold = (reason: string): { decision: GateDecision; warnings: string[] } => ({
    decision: { ...untested(contest), outcome: 'hold', reason },
    warnings: [],
  });
  const { metric, rules } = contest;
  let paired: ReturnType<typeof pairRows>;
  try {
    paired = pairRows({ ...input, columns: rules.slices, fewest: FEWEST }, report, files);
  } catch (error) {
    if (!(error instanceof BadData)) throw error;
    return hold(`the champion cannot be scored on the test rows: ${error.message}`);
  }
  const { all } = paired;
  if (all.rows === 0) return hold('there are no test rows');
  const difference = testDifference(all, metric, rules);
  if (difference === undefined)
    return hold(`${metric} cannot be computed on ${all.rows} test rows`);
  return {
    decision: decideTested(contest, { rows: all.rows, difference, worseSlices: [] }),
    warnings: [],
  };
}
