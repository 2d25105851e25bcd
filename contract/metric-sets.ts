import type { Task } from './defaults.ts';

/** The scores of one task, and how they are shown. */
export interface MetricSet {
  /**
   * The one score that is shown where there is room for one. If there are enough rows, the metrics file has its
   * 95 % interval as `<headline>_low` and `<headline>_high`.
   */
  readonly headline: string;
  /** The scores that are shown for a version, in this order. */
  readonly shown: readonly string[];
  /** The scores with a column in lists of versions. */
  readonly listed: readonly { readonly name: string; readonly heading: string }[];
  /** Whether all scores are shares from 0 to 1. Otherwise they are in the unit of the target. */
  readonly shares: boolean;
  /** The scores of which a lower value is better. Of all others, a higher value is better. */
  readonly lower: readonly string[];
}

/** The scores of classes, and those of numbers. */
export const CLASS_SCORES = [
  'accuracy',
  'balanced_accuracy',
  'precision_macro',
  'recall_macro',
  'f1_macro',
] as const;
export const NUMBER_SCORES = ['rmse', 'mae', 'r2'] as const;

export const CLASS_METRICS: MetricSet = {
  headline: 'accuracy',
  shown: CLASS_SCORES,
  listed: [
    { name: 'accuracy', heading: 'accuracy' },
    { name: 'balanced_accuracy', heading: 'balanced' },
    { name: 'f1_macro', heading: 'f1' },
  ],
  shares: true,
  lower: [],
};

export const NUMBER_METRICS: MetricSet = {
  headline: 'rmse',
  shown: NUMBER_SCORES,
  listed: NUMBER_SCORES.map((name) => ({ name, heading: name })),
  shares: false,
  lower: ['rmse', 'mae'],
};

/** Numbers of the metrics file that are not scores. */
export const NOT_SCORES: ReadonlySet<string> = new Set(['batch', 'schema']);

/** All scores, by task. The first set is the default. */
const METRIC_SETS: readonly [MetricSet, ...MetricSet[]] = [CLASS_METRICS, NUMBER_METRICS];

/** The scores of a task. */
export function metricSetOf(task: Task): MetricSet {
  return task === 'classification' ? CLASS_METRICS : NUMBER_METRICS;
}

/** Whether a number is a limit of the interval of a score, on all batches or on the new one. */
export function isLimit(name: string): boolean {
  const [, score] = /^(?:new_batch_)?(.+)_(?:low|high)$/.exec(name) ?? [];
  return score !== undefined && METRIC_SETS.some(({ shown }) => shown.includes(score));
}

/** A score by its name. */
export interface NamedScore {
  name: string;
  value: number;
}

/**
 * Finds the set to which metrics belong.
 * @param metrics by flat name. Those of a version without test rows have no score: they get the default set
 */
export function findMetricSet(metrics: Readonly<Record<string, unknown>>): MetricSet {
  return METRIC_SETS.find(({ headline }) => headline in metrics) ?? METRIC_SETS[0];
}

/**
 * Leaves out numbers that are not scores, and the bounds of intervals: a tracker would draw a separate chart for
 * each.
 */
export function pickScores(metrics: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).filter(([name]) => {
      if (NOT_SCORES.has(name)) return false;
      const score = name.replace(/_(?:low|high)$/, '');
      return score === name || !(score in metrics);
    }),
  );
}

/** The headline score of a version's metrics; undefined if they have no score. */
export function findHeadline(metrics: Readonly<Record<string, unknown>>): NamedScore | undefined {
  const name = findMetricSet(metrics).headline;
  const value = metrics[name];
  return typeof value === 'number' ? { name, value } : undefined;
}

/** How a score differs from that of another build on the same rows. */
export interface ScoreChange {
  /** The score of this build on these rows. */
  now: number;
  /** The score of the other build. */
  before: number;
  /** The new value minus the old one. */
  by: number;
  /**
   * `none` for equal values; `within noise` where a test finds that the difference can be chance; `untested` where no test
   * has judged this score.
   */
  verdict: 'better' | 'worse' | 'within noise' | 'none' | 'untested';
}

/**
 * Compares a score with that of another build; undefined if one of them has none.
 * @param other the scores of the other build by name, on the same rows. `<score>_change` is the verdict of a test, and
 *   `own_<score>` the score of this build on these rows. Without it, they are all its test rows
 */
export function compareScore(
  name: string,
  whole: unknown,
  other: Readonly<Record<string, unknown>>,
): ScoreChange | undefined {
  const [now, before] = [other[`own_${name}`] ?? whole, other[name]];
  if (typeof now !== 'number' || typeof before !== 'number') return undefined;
  const by = now - before;
  if (by === 0) return { now, before, by, verdict: 'none' };
  const tested = other[`${name}_change`];
  const isTested = tested === 'better' || tested === 'worse' || tested === 'within noise';
  return { now, before, by, verdict: isTested ? tested : 'untested' };
}

/** A change with its sign and what it means: `+0.0386 better`. */
export function formatChange({ by, verdict }: Pick<ScoreChange, 'by' | 'verdict'>): string {
  if (verdict === 'none') return 'none';
  const text = formatSigned(by);
  return verdict === 'untested' ? text : `${text} ${verdict}`;
}

/**
 * A score as text, with four decimals. Very small and very large values have five significant digits instead,
 * because four decimals would show too few or too many digits.
 */
export function formatScore(value: number): string {
  if (value < 0) return `−${formatScore(-value)}`;
  const isPlain = value === 0 || (value >= 0.001 && value < 1e6);
  return isPlain ? value.toFixed(4) : value.toPrecision(5);
}

/** A difference with its sign: `+0.0386`. */
export function formatSigned(by: number, format: (size: number) => string = formatScore): string {
  return `${by < 0 ? '−' : '+'}${format(Math.abs(by))}`;
}

/**
 * The interval of a score, at 95 %: `0.7820 to 0.9919`, or `0.78–0.99` for shares; empty where it has none. Scores that
 * are shares need two digits, and cannot have a sign that would stand beside the dash.
 * @param shares whether the score is a share from 0 to 1
 */
export function formatInterval(low: unknown, high: unknown, shares: boolean): string {
  if (typeof low !== 'number' || typeof high !== 'number') return '';
  if (shares) return `${low.toFixed(2)}–${high.toFixed(2)}`;
  return `${formatScore(low)} to ${formatScore(high)}`;
}

/** The interval of one of these scores, as {@link formatInterval} writes it. */
export function formatScoreInterval(
  scores: Readonly<Record<string, unknown>>,
  name: string,
  shares = false,
): string {
  return formatInterval(scores[`${name}_low`], scores[`${name}_high`], shares);
}
