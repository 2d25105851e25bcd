import { testDifference } from '../../pipeline/scoring/gate/difference.ts';
import { countPairs, type NumberPairs, type Pairs } from '../../pipeline/scoring/pairs.ts';

/** Two models on made rows. */
export interface Scenario {
  metric: string;
  rows: number;
  /** For classes the share of rows that a model predicts correctly, for numbers the size of the errors that only it makes. */
  challenger: number;
  champion: number;
  margin?: number;
}

/** The shares of gates in which the challenger was shown to be worse, and to be better, at 95 %. */
export interface Shown {
  worse: number;
  better: number;
}

const CHANCE = 0.05;

/** Decides many gates on rows that are drawn again for each. The same seed gives the same rows. */
export function simulateGates(
  scenario: Scenario,
  { gates, seed }: { gates: number; seed: number },
): Shown {
  const uniform = makeUniform(seed);
  const shown = { worse: 0, better: 0 };
  for (let gate = 0; gate < gates; gate++) {
    const pairs = drawPairs(scenario, uniform);
    const options = { margin: scenario.margin ?? 0, chance: CHANCE };
    const found = testDifference(pairs, scenario.metric, options);
    if (found === undefined) continue;
    if (found.worse < CHANCE) shown.worse += 1 / gates;
    if (found.better < CHANCE) shown.better += 1 / gates;
  }
  return shown;
}

function drawPairs(scenario: Scenario, uniform: () => number): Pairs {
  return ['rmse', 'mae', 'r2'].includes(scenario.metric)
    ? drawNumbers(scenario, uniform)
    : drawClasses(scenario, uniform);
}

/** Rows of three classes in the shares 50, 30 and 20 %. The models are right or wrong together on half of them. */
function drawClasses({ rows, challenger, champion }: Scenario, uniform: () => number): Pairs {
  const drawn = { actual: [0], challenger: [0], champion: [0] };
  const predict = (actual: number, share: number, draw: number, other: number): number =>
    draw < share ? actual : (actual + (other < 0.5 ? 1 : 2)) % 3;
  for (let row = 0; row < rows; row++) {
    const place = uniform();
    const actual = place < 0.5 ? 0 : place < 0.8 ? 1 : 2;
    const [own, ownOther, their, theirOther] = [uniform(), uniform(), uniform(), uniform()];
    const isTogether = uniform() < 0.5;
    drawn.actual[row] = actual;
    drawn.challenger[row] = predict(actual, challenger, own, ownOther);
    drawn.champion[row] = isTogether
      ? predict(actual, champion, own, ownOther)
      : predict(actual, champion, their, theirOther);
  }
  return countPairs(['a', 'b', 'c'], drawn);
}

/** Numbers with normal errors, of which a part of size 1 is the same for both models. */
function drawNumbers({ rows, challenger, champion }: Scenario, uniform: () => number): NumberPairs {
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const actual = Float64Array.from({ length: rows }, () => 10 * normal());
  const shared = Float64Array.from({ length: rows }, normal);
  const predict = (size: number): Float64Array =>
    actual.map((value, row) => value + shared[row]! + size * normal());
  return { rows, actual, challenger: predict(challenger), champion: predict(champion) };
}

/** Uniform numbers from 0 to 1: mulberry32 by Tommy Ettinger. It is another generator than the one that is tested. */
function makeUniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
