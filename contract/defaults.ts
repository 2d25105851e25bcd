/** What a model predicts: a class or a number. */
export const TASKS = ['classification', 'regression'] as const;
export type Task = (typeof TASKS)[number];

/** The default of `missing_values`, cells that mean "not known": those of pandas, and `?`. */
export const MISSING_VALUES: readonly string[] = [
  '',
  'NA',
  'N/A',
  'NaN',
  'null',
  '?',
  'nan',
  '-nan',
  '-NaN',
  'None',
  'NULL',
  'n/a',
  '<NA>',
  '#N/A',
  '#N/A N/A',
  '#NA',
  '1.#IND',
  '-1.#IND',
  '1.#QNAN',
  '-1.#QNAN',
];

/** The default of earlier programs. Pipelines that began with it keep it. */
export const FORMER_MISSING_VALUES: readonly string[] = ['', 'NA', 'N/A', 'NaN', 'null', '?'];

/** The characters that `data.decimal` and `data.thousands` may be. */
export const DECIMALS = ['.', ','] as const;
export const THOUSANDS = [',', '.', ' ', "'", '_'] as const;

/** The characters of numbers in settings. Those of an earlier program have none: numbers have a decimal point. */
export function readNumberFormat({
  decimal = '.',
  thousands = null,
}: {
  readonly decimal?: (typeof DECIMALS)[number];
  readonly thousands?: (typeof THOUSANDS)[number] | null;
}): { decimal: (typeof DECIMALS)[number]; thousands: (typeof THOUSANDS)[number] | null } {
  return { decimal, thousands };
}

/**
 * How dates and labels become features and classes. Params of an earlier program lack these settings; then no parts
 * of dates are features, and labels stay as they are written.
 */
export function readEncoding({
  date_parts = [],
  labels = { normalise: false },
}: {
  readonly date_parts?: readonly DatePart[];
  readonly labels?: { readonly normalise: boolean };
}): { dateParts: DatePart[]; normaliseLabels: boolean } {
  return { dateParts: [...date_parts], normaliseLabels: labels.normalise };
}

export const ON_DUPLICATE = ['warn', 'quarantine'] as const;

/** What happens to a new file that has the bytes of a known one. Params of an earlier program lack this setting. */
export function readOnDuplicate({
  arrivals = { on_duplicate: 'warn' },
}: {
  readonly arrivals?: { readonly on_duplicate: (typeof ON_DUPLICATE)[number] };
}): (typeof ON_DUPLICATE)[number] {
  return arrivals.on_duplicate;
}

/** The parts of a date that can be features beside its day: `data.date_parts`. */
export const DATE_PARTS = ['year', 'month', 'day', 'weekday', 'hour'] as const;
export type DatePart = (typeof DATE_PARTS)[number];

/** What decides the side of a row: a hash of its cells, or its time within its batch. */
export const SPLIT_BY = ['hash', 'time'] as const;

/** The section `split` of the params. That of an earlier program has a key alone. */
export interface SplitRule {
  readonly by?: (typeof SPLIT_BY)[number];
  readonly key: readonly string[] | null;
  readonly time_column?: string | null;
}

/** How rows are split, with the defaults. `timeColumn` is not null if they are split by time. */
export function readSplit({ by = 'hash', key, time_column = null }: SplitRule): {
  by: (typeof SPLIT_BY)[number];
  key: readonly string[] | null;
  timeColumn: string | null;
} {
  return { by, key, timeColumn: time_column };
}

/** The task of a run. A run of an earlier program has no task: it is a classification. */
export function taskOf({ model }: { readonly model: { readonly task?: Task } }): Task {
  return model.task ?? 'classification';
}

/** The type of model of a run that does not name one. */
export const DEFAULT_MODEL_TYPE = 'decision_tree';

/** The type of a run's model. A run of an earlier program has no type: it is the default. */
export function modelTypeOf({ type }: { readonly type?: string }): string {
  return type ?? DEFAULT_MODEL_TYPE;
}

export const GATE_RULES = ['not_worse', 'better', 'always', 'never'] as const;
export const GATE_APPROVALS = ['none', 'required'] as const;

/** The bounds of `gate.reminder_hours`, a minute to ten years, and the most of `gate.expiry_hours`. */
export const GATE_HOURS = { least: 1 / 60, most: 87_600 } as const;

/** The section `gate` of the params. */
export interface GateParams {
  metric: string | null;
  rule: (typeof GATE_RULES)[number];
  margin: number;
  confidence: number;
  slices: string[];
  approval: (typeof GATE_APPROVALS)[number];
  reminder_hours: number;
  expiry_hours: number | null;
}

/** When a build becomes the champion. Params of an earlier program lack this section. */
export function readGate({ gate }: { readonly gate?: GateParams }): GateParams {
  return (
    gate ?? {
      metric: null,
      rule: 'not_worse',
      margin: 0,
      confidence: 0.95,
      slices: [],
      approval: 'none',
      reminder_hours: 24,
      expiry_hours: null,
    }
  );
}
