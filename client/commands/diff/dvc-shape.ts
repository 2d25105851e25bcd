import { escapeLine } from '../../../contract/controls.ts';
import { byCodePoint } from '../../../contract/codepoints.ts';
import { compareDocuments, flatten, type Changes } from '../../compare/changes.ts';
import { roundToFive, isFloat, formatPython } from '../../compare/python-text.ts';

/** The differences by file, as `dvc metrics diff --json` and `dvc params diff --json` print them. */
export type DvcDiff = Record<string, Changes>;

/**
 * The metrics that differ. DVC compares files with the same name. Our files have the version in their names, so
 * both are shown under the path of the new one. Lists are not metrics, as in DVC.
 */
export function compareMetrics(
  before: unknown,
  after: { path: string; metrics: unknown },
): DvcDiff {
  return inFile(after.path, compareDocuments(listScalars(before), listScalars(after.metrics)));
}

/** The params that differ. DVC compares a list as one value, as Python prints it. */
export function compareParams(before: unknown, after: unknown): DvcDiff {
  return inFile('params.yaml', compareDocuments(withListTexts(before), withListTexts(after)));
}

function inFile(path: string, changes: Changes): DvcDiff {
  return Object.keys(changes).length === 0 ? {} : { [path]: changes };
}

function listScalars(document: unknown): Record<string, unknown> {
  const scalars = Object.entries(flatten(document)).filter(([, value]) => !Array.isArray(value));
  return Object.fromEntries(scalars);
}

function withListTexts(document: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(flatten(document)).map(([name, value]) => [
      name,
      Array.isArray(value) ? formatPython(value) : value,
    ]),
  );
}

/**
 * The table of DVC: `Path Metric A B Change`, with five digits after the point. For params it has no change, and
 * numbers in full. Empty where nothing differs.
 */
export function formatDvcTable(
  diff: DvcDiff,
  { title, revisions }: { title: 'Metric' | 'Param'; revisions: [string, string] },
): string {
  const isMetrics = title === 'Metric';
  const rows = Object.entries(diff).flatMap(([path, changes]) =>
    Object.entries(changes)
      .sort(([a], [b]) => byCodePoint(a, b))
      .map(([name, { old, new: now, diff: by = null }]) => {
        // In Python the difference of floats is a float, even if it is whole.
        const asFloat = [old, now].some((value) => typeof value === 'number' && isFloat(value));
        const change = isMetrics ? [formatCell(by, isMetrics, asFloat)] : [];
        return [path, name, formatCell(old, isMetrics), formatCell(now, isMetrics), ...change];
      }),
  );
  const head = ['Path', title, ...revisions, ...(isMetrics ? ['Change'] : [])];
  return rows.length === 0 ? '' : alignColumns([head, ...rows]);
}

function formatCell(value: unknown, isRounded: boolean, asFloat = false): string {
  if (value === null) return '-';
  if (typeof value !== 'number') return formatPython(value);
  const float = asFloat || isFloat(value);
  return formatPython(isRounded && float ? roundToFive(value) : value, float);
}

function alignColumns(table: readonly string[][]): string {
  const rows = table.map((row) => row.map(escapeLine));
  // DVC makes each column two characters wider than its heading.
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
