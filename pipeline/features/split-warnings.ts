import type { Counts } from './counts.ts';
import { quoteList } from '../csv/quote.ts';

/**
 * Warns about the split of the rows of some batches: an empty side, a class that one side lacks, or a share of test
 * rows that differs from `testSize` by more than three standard deviations.
 * @param testSize the expected share of test rows (`split.test_size`)
 * @param what names the rows, such as "version 3" or "batch 3"
 */
export function warnOfSplit(counts: Counts, testSize: number, what: string): string[] {
  const { train, test } = counts;
  const rows = train.rows + test.rows;
  if (rows === 0) return [`${what} has no labelled rows`];
  if (test.rows === 0) {
    return [`${what} has no test rows, so it cannot be scored: add data or raise split.test_size`];
  }
  if (train.rows === 0) {
    return [
      `${what} has no train rows, so nothing can be learnt: add data or lower split.test_size`,
    ];
  }
  const warnings: string[] = [];
  const trained = train.labels.map(([label]) => label);
  const tested = test.labels.map(([label]) => label);
  const untested = trained.filter((label) => !tested.includes(label));
  const untrained = tested.filter((label) => !trained.includes(label));
  if (untested.length > 0) {
    warnings.push(`${what} has no test row of ${listClasses(untested)}, so it is not scored`);
  }
  if (untrained.length > 0) {
    warnings.push(
      `${what} has no train row of ${listClasses(untrained)}, so it is never predicted`,
    );
  }
  if (trained.length === 1 && tested.length === 1 && trained[0] === tested[0]) {
    warnings.push(
      `${what} holds a single class (${trained[0]}), so every model predicts it correctly`,
    );
  }
  const share = test.rows / rows;
  const deviation = Math.sqrt((testSize * (1 - testSize)) / rows);
  if (Math.abs(share - testSize) > 3 * deviation) {
    warnings.push(
      `${what} has ${formatPercent(share)} of its rows on the test side where split.test_size asks for ` +
        `${formatPercent(testSize)}; many equal rows, or a split.key with few values, do that`,
    );
  }
  return warnings;
}

function listClasses(labels: readonly string[]): string {
  return `${labels.length === 1 ? 'class' : 'classes'} ${quoteList(labels)}`;
}

function formatPercent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
