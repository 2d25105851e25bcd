import type { Difference, GateRules } from './decide.ts';
import { testShares } from './mcnemar.ts';
import type { ClassPairs, Pairs } from './pairs.ts';

/** Tests the difference of a score between two models on the same rows; undefined where it cannot be computed. */
export function testDifference(
  pairs: Pairs,
  metric: string,
  rules: Pick<GateRules, 'margin' | 'confidence'>,
): Difference | undefined {
  if (!('cells' in pairs) || metric !== 'accuracy') return undefined;
  return testAccuracy(pairs, rules);
}

function testAccuracy({ cells, rows }: ClassPairs, _: object): Difference {
  const count = (wanted: (cell: ClassPairs['cells'][number]) => boolean): number =>
    cells.reduce((sum, cell) => sum + (wanted(cell) ? cell.count : 0), 0);
  const right = count(({ actual, challenger }) => actual === challenger);
  const theirs = count(({ actual, champion }) => actual === champion);
  const both = count(
    ({ actual, challenger, champion }) => actual === challenger && actual === champion,
  );
  return {
    challenger: right / rows,
    champion: theirs / rows,
    low: -1,
    high: 1,
    ...testShares(right - both, theirs - both),
  };
}
