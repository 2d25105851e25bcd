import { byCodePoint } from '../../contract/codepoints.ts';
import { changesOf, type Changes } from '../compare/changes.ts';
import { flatten } from '../compare/flatten.ts';
import { fiveDigits, isFloat, pythonText } from '../compare/python-text.ts';

/** What differs by file, as `dvc metrics diff --json` and `dvc params diff --json` print it. */
export type DvcDiff = Record<string, Changes>;

/**
 * Metrics that differ. DVC compares files of one name; ours has its version in its name, so the two are
 * told as one, under the new one's path. As in DVC, lists are no metrics.
 */
export function metricsDiff(before: unknown, after: { path: string; metrics: unknown }): DvcDiff {
  return inFile(after.path, changesOf(scalarsOf(before), scalarsOf(after.metrics)));
}

/** Params that differ. DVC compares lists as one value each, as Python prints them. */
export function paramsDiff(before: unknown, after: unknown): DvcDiff {
  return inFile('params.yaml', changesOf(withListTexts(before), withListTexts(after)));
}

function inFile(path: string, changes: Changes): DvcDiff {
  return Object.keys(changes).length === 0 ? {} : { [path]: changes };
}

function scalarsOf(document: unknown): Record<string, unknown> {
  const scalars = Object.entries(flatten(document)).filter(([, value]) => !Array.isArray(value));
  return Object.fromEntries(scalars);
}

function withListTexts(document: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(flatten(document)).map(([name, value]) => [
      name,
      Array.isArray(value) ? pythonText(value) : value,
    ]),
  );
}

/**
 * DVC's table: `Path Metric A B Change`, numbers with five digits after the point; for params without
 * the change, and numbers whole. Nothing where nothing differs.
 */
export function dvcTable(
  diff: DvcDiff,
  { title, revisions }: { title: 'Metric' | 'Param'; revisions: [string, string] },
): string {
  const isMetrics = title === 'Metric';
  const rows = Object.entries(diff).flatMap(([path, changes]) =>
    Object.entries(changes)
      .sort(([a], [b]) => byCodePoint(a, b))
      .map(([name, { old, new: now, diff: by = null }]) => {
        // To Python the difference of a float is a float, even where it is whole.
        const asFloat = [old, now].some((value) => typeof value === 'number' && isFloat(value));
        const change = isMetrics ? [cell(by, isMetrics, asFloat)] : [];
        return [path, name, cell(old, isMetrics), cell(now, isMetrics), ...change];
      }),
  );
  const head = ['Path', title, ...revisions, ...(isMetrics ? ['Change'] : [])];
  return rows.length === 0 ? '' : aligned([head, ...rows]);
}

function cell(value: unknown, isRounded: boolean, asFloat = false): string {
  if (value === null) return '-';
  if (typeof value !== 'number') return pythonText(value);
  const float = asFloat || isFloat(value);
  return pythonText(isRounded && float ? fiveDigits(value) : value, float);
}

function aligned(rows: readonly string[][]): string {
  // Its table gives every heading room for two more characters.
  const widths = rows[0]!.map((heading, column) =>
    Math.max(heading.length + 2, ...rows.map((row) => row[column]!.length)),
  );
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
