import type { GateParams } from '../../../contract/defaults.ts';
import { formatScore } from '../../../contract/metric-sets.ts';
import type { Build, GateDecision } from '../../../contract/promotion.ts';
import { groupDigits } from '../../../contract/markdown.ts';
import { nameBuild } from '../../../contract/versions.ts';
import type { Difference } from './difference.ts';

/** The challenger, the champion and the rules. */
export interface Contest {
  /** The version of the challenger. */
  version: number;
  champion: Build | null;
  /** Whether the champion is a build of the same version with the same model. */
  isSame: boolean;
  /** Why the champion cannot be scored. */
  unusable?: string | undefined;
  rules: Pick<GateParams, 'rule' | 'margin' | 'confidence' | 'slices'>;
  /** The score by which they are compared. */
  metric: string;
}

/** The most slices that a decision names. Its file has all. */
const MOST_NAMED = 5;

/** Decides without scoring a model; undefined where the models have to be compared. */
export function decideUntested(contest: Contest): GateDecision | undefined {
  const { champion, rules, version, isSame, unusable } = contest;
  if (rules.rule === 'never') return hold(contest, 'gate.rule is never');
  if (champion === null) return promote(contest, 'there is no champion yet');
  const name = nameBuild(champion);
  if (isSame) return hold(contest, `it is the champion already, as build ${name}`);
  if (champion.version > version)
    return hold(contest, `it is older than the champion, build ${name}`);
  if (rules.rule === 'always') return promote(contest, 'gate.rule is always');
  return unusable === undefined ? undefined : hold(contest, unusable);
}

/** A decision without numbers. */
export function hold(contest: Contest, reason: string): GateDecision {
  return { outcome: 'hold', reason, ...untested(contest) };
}

function promote(contest: Contest, reason: string): GateDecision {
  return { outcome: 'promote', reason, ...untested(contest) };
}

function untested({
  champion,
  rules: { rule },
  metric,
}: Contest): Omit<GateDecision, 'outcome' | 'reason'> {
  return {
    champion,
    rule,
    metric,
    rows: 0,
    challenger_score: null,
    champion_score: null,
    low: null,
    high: null,
    p_value: null,
    worse_slices: [],
  };
}

/**
 * Decides by what the tests say. By the rule `not_worse`, the challenger wins unless it is shown to be worse by more than
 * the margin; by `better`, only if it is shown to be better by more than the margin. By both, a slice that is shown to be
 * worse holds it.
 */
export function decideTested(
  contest: Contest,
  {
    rows,
    difference,
    worseSlices,
  }: { rows: number; difference: Difference; worseSlices: readonly string[] },
): GateDecision {
  const { rules, champion, metric } = contest;
  const { challenger, low, high, worse, better } = difference;
  const chance = 1 - rules.confidence;
  const isStrict = rules.rule === 'better';
  const passes = isStrict ? better < chance : worse >= chance;
  const outcome = passes && worseSlices.length === 0 ? 'promote' : 'hold';
  const by = rules.margin === 0 ? '' : ` by more than ${rules.margin}`;
  const verdict = isStrict
    ? `it is ${passes ? '' : 'not '}shown to be better${by}`
    : `it is ${passes ? 'not ' : ''}shown to be worse${by}`;
  const named = worseSlices.slice(0, MOST_NAMED);
  const more = worseSlices.length - named.length;
  const where = `${named.join(', ')}${more > 0 ? ` and ${more} other slices` : ''}`;
  const slicesWorse =
    named.length === 0 ? '' : ` ${passes ? 'but' : 'and'} it is shown to be worse where ${where}`;
  return {
    ...untested(contest),
    outcome,
    reason: `${verdict}${slicesWorse}: ${metric} ${formatScore(challenger)} against ${formatScore(difference.champion)} of the champion, build ${nameBuild(champion!)}, on the same ${groupDigits(rows)} test rows`,
    rows,
    challenger_score: challenger,
    champion_score: difference.champion,
    low: Number.isFinite(low) ? low : null,
    high: Number.isFinite(high) ? high : null,
    p_value: isStrict ? better : worse,
    worse_slices: named,
  };
}
