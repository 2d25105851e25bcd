import type { Build, GateDecision } from '../../contract/promotion.ts';
import { nameBuild } from '../../contract/versions.ts';
import type { Store } from '../../store/index.ts';

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

/** Makes a build the champion of a pipeline, as a person does. */
export async function makeChampion(store: Store, pipeline: string, build: Build): Promise<void> {
  const name = nameBuild(build);
  await store.champions.promoteByHand(pipeline, {
    id: `promote ${name}`,
    by: 'ann',
    reason: 'it is the best',
    at: '2026-01-01T00:00:00.000Z',
    build,
    inputs: `inputs of ${name}`,
  });
}
