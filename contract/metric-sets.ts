/** The scores of one kind of model, as they are shown to people. */
export interface MetricSet {
  /**
   * The score that is shown of a version where there is room for one. Where there are enough rows for it, the
   * metrics file has the 95 % interval around it, as `<headline>_low` and `<headline>_high`.
   */
  readonly headline: string;
  /** Those that a person looks at first, in this order. */
  readonly shown: readonly string[];
  /** Those that lists of versions have a column for, with its heading. */
  readonly listed: readonly { readonly name: string; readonly heading: string }[];
  /** Whether all are shares, from 0 to 1; else they are in a unit of their own. */
  readonly shares: boolean;
  /** Those of which less is better; of the others shown more is. */
  readonly lower: readonly string[];
}

export const CLASS_METRICS: MetricSet = {
  headline: 'accuracy',
  shown: ['accuracy', 'balanced_accuracy', 'precision_macro', 'recall_macro', 'f1_macro'],
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
  shown: ['rmse', 'mae', 'r2'],
  listed: ['rmse', 'mae', 'r2'].map((name) => ({ name, heading: name })),
  shares: false,
  lower: ['rmse', 'mae'],
};

/** The one place that says what scores there are. */
const METRIC_SETS: readonly [MetricSet, ...MetricSet[]] = [CLASS_METRICS, NUMBER_METRICS];

/** A score by its name. */
export interface NamedScore {
  name: string;
  value: number;
}

/**
 * Which scores some metrics are.
 * @param metrics by flat name; of a version without test rows they have no score, which is any set's
 */
export function metricSetOf(metrics: Readonly<Record<string, unknown>>): MetricSet {
  return METRIC_SETS.find(({ headline }) => headline in metrics) ?? METRIC_SETS[0];
}

/** The headline of some metrics; undefined where they have no score. */
export function headlineScore(metrics: Readonly<Record<string, unknown>>): NamedScore | undefined {
  const name = metricSetOf(metrics).headline;
  const value = metrics[name];
  return typeof value === 'number' ? { name, value } : undefined;
}

/**
 * Whether a score that has changed is better now; undefined for what is no score, such as a count of rows.
 * @param name by flat name, of all batches or of the new one
 * @param by the new value less the old one
 */
export function isBetter(name: string, by: number): boolean | undefined {
  const score = name.replace(/^new_batch_/, '');
  const set = METRIC_SETS.find(({ shown }) => shown.includes(score));
  if (set === undefined || by === 0) return undefined;
  return set.lower.includes(score) ? by < 0 : by > 0;
}
