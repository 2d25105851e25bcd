import type { GateParams } from '../../../contract/defaults.ts';
import { formatScore } from '../../../contract/metric-sets.ts';
import type { Build, GateDecision } from '../../../contract/promotion.ts';

/** The params of the gate that a decision depends on. */
export type GateRules = Pick<GateParams, 'metric' | 'rule' | 'margin' | 'confidence' | 'slices'>;

/** The challenger, the champion and the rules. */
export interface Contest {
  /** The version of the challenger. */
  version: number;
  champion: Build | null;
  /** Whether the champion has the model of the challenger, and its version. */
  isSame: boolean;
  /** Why the champion cannot be scored. */
  unusable: string | undefined;
  rules: GateRules;
  /** The score by which they are compared. */
  metric: string;
}

/** Decides without scoring a model; undefined where the models have to be compared. */
export function decideUntested(contest: Contest): GateDecision | undefined {
  const { champion, rules, version, isSame, unusable } = contest;
  const decide = (outcome: GateDecision['outcome'], reason: string): GateDecision => ({
    ...untested(contest),
    outcome,
    reason,
  });
  if (rules.rule === 'never') return decide('hold', 'gate.rule is never');
  if (champion === null) return decide('promote', 'there is no champion yet');
  const name = nameBuild(champion);
  if (isSame) return decide('hold', `it is the champion already, as ${name}`);
  if (champion.version > version)
    return decide('hold', `it is older than the champion, which is version ${name}`);
  if (rules.rule === 'always') return decide('promote', 'gate.rule is always');
  if (unusable !== undefined) return decide('hold', unusable);
  return undefined;
}

/** A decision without numbers. */
export function untested({
  champion,
  rules,
  metric,
}: Pick<Contest, 'champion' | 'rules' | 'metric'>): Omit<GateDecision, 'outcome' | 'reason'> {
  return {
    champion: champion && { version: champion.version, seq: champion.seq },
    rule: rules.rule,
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

/** What a test says of a score of two models on the same rows. */
export interface Difference {
  challenger: number;
  champion: number;
  /** The challenger is better by at least `low`, and by at most `high`, each at the confidence of the test. */
  low: number;
  high: number;
  /** The probability of such a result if the challenger is not worse, or not better, by more than the margin. */
  worse: number;
  better: number;
}

/** Decides by what the test says of the metric and, for a build that would be promoted, of the slices. */
export function decideTested(
  contest: Contest,
  {
    rows,
    difference,
    worseSlices,
  }: { rows: number; difference: Difference; worseSlices: string[] },
): GateDecision {
  const { rules, champion, metric } = contest;
  const { challenger, low, high, worse, better } = difference;
  const chance = 1 - rules.confidence;
  const isStrict = rules.rule === 'better';
  const passes = isStrict ? better < chance : worse >= chance;
  const scores = `${metric} ${formatScore(challenger)} against ${formatScore(difference.champion)} of version ${nameBuild(champion!)}, on the same ${rows} test rows`;
  const by = rules.margin === 0 ? '' : ` by more than ${rules.margin}`;
  const verdict = isStrict
    ? `it is ${passes ? '' : 'not '}shown to be better${by}`
    : `it is ${passes ? 'not ' : ''}shown to be worse${by}`;
  const slices = worseSlices.length === 0 ? '' : `; it is worse where ${worseSlices.join(', ')}`;
  return {
    ...untested(contest),
    outcome: passes && worseSlices.length === 0 ? 'promote' : 'hold',
    reason: `${verdict}: ${scores}${slices}`,
    rows,
    challenger_score: challenger,
    champion_score: difference.champion,
    low,
    high,
    p_value: isStrict ? better : worse,
    worse_slices: worseSlices,
  };
}

function nameBuild({ version, seq }: Build): string {
  return `${version}.${seq}`;
}
