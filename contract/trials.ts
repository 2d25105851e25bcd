import { canonicalJson, isObject } from './canonical-json.ts';

/**
 * The params in which a trial differs from a plain run, with the values of the trial, by dotted name. A trial is
 * a run with other params than those of the pipeline: it is recorded and logged, and its build is not published.
 */
export type TrialParams = Record<string, unknown>;

/** The params of a run that differ from those of another, by dotted name. */
export function listChangedParams(plain: object, own: object): TrialParams {
  const [before, now] = [flattenParams(plain), flattenParams(own)];
  return Object.fromEntries(
    Object.entries(now).filter(
      ([name, value]) => canonicalJson(value ?? null) !== canonicalJson(before[name] ?? null),
    ),
  );
}

/** Params by dotted name. A list or a table of column types is one value. */
export function flattenParams(params: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(params).flatMap(([section, fields]) =>
      isObject(fields)
        ? Object.entries(fields).map(([name, value]) => [`${section}.${name}`, value])
        : [[section, fields]],
    ),
  );
}

/** `model.max_depth=1, model.min_gain=0.1`. */
export function formatTrialParams(params: TrialParams): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${formatParam(value)}`)
    .join(', ');
}

/** A value of a param as it is written after `--set`. */
export function formatParam(value: unknown): string {
  return typeof value === 'string' ? value : canonicalJson(value ?? null);
}
