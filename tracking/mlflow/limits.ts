import { createHash } from 'node:crypto';

// https://github.com/mlflow/mlflow/blob/v3.17.2/mlflow/utils/validation.py
export const PARAMS_PER_REQUEST = 100;
export const METRICS_PER_REQUEST = 1_000;
export const TAGS_PER_REQUEST = 100;
const PARAM_LENGTH = 6_000;
const TAG_LENGTH = 8_000;
const NAME_LENGTH = 250;

/** Cuts text and marks the cut. Without this the server cuts it unmarked, or refuses it. */
function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

export function paramValue(value: string | number | boolean | null): string {
  return clip(String(value), PARAM_LENGTH);
}

export function tagValue(value: string): string {
  return clip(value, TAG_LENGTH);
}

/**
 * Returns values under names that MLflow accepts for params and metrics: letters, digits, `_-. :/`, and no
 * path that resolves to another one. Names of classes and columns may hold any character (`recall/<=50K`). A
 * character that is not allowed becomes `_`. Names that become equal each get a part of their hash.
 * @returns `[name, value]` in the given order
 */
export function legalNames<T>(values: Record<string, T>): [string, T][] {
  const entries = Object.entries(values);
  const uses = new Map<string, number>();
  for (const [name] of entries) {
    const legal = legalName(name);
    uses.set(legal, (uses.get(legal) ?? 0) + 1);
  }
  return entries.map(([name, value]) => {
    const legal = legalName(name);
    const shared = (uses.get(legal) ?? 0) > 1 && legal !== name;
    return [shared ? `${legal}-${shortHash(name)}` : legal, value];
  });
}

function legalName(name: string): string {
  const legal = name
    .split('/')
    .map((part) => part.replace(/[^\p{L}\p{N}_\-. :]/gu, '_').replace(/^\.{0,2}$/, '_'))
    .join('/');
  return legal.length <= NAME_LENGTH ? legal : `${legal.slice(0, 240)}-${shortHash(name)}`;
}

function shortHash(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 6);
}

/** Slices of at most `size`. */
export function* splitInto<T>(items: T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
