import type { Build, GateDecision } from '../../contract/promotion.ts';

/** A decision to promote a build: by the scores of both models, without scores where there is no champion. */
export function makeDecision(
  champion: Build | null = null,
  parts: Partial<GateDecision> = {},
): GateDecision {
  const isFirst = champion === null;
  return {
    outcome: 'promote',
    reason: 'it is not shown to be worse',
    champion,
    rule: 'not_worse',
    metric: 'accuracy',
    rows: isFirst ? 0 : 30,
    challenger_score: isFirst ? null : 0.9,
    champion_score: isFirst ? null : 0.9,
    low: isFirst ? null : -0.1,
    high: isFirst ? null : 0.1,
    p_value: isFirst ? null : 1,
    worse_slices: [],
    ...parts,
  };
}
