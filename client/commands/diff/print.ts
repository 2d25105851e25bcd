import { isBetter } from '../../../contract/metric-sets.ts';
import { formatBytes, formatMetric, formatNumber, formatTable } from '../../format.ts';
import type { ArtifactChange, BatchChange, DiffDocument } from './document.ts';
import type { Changes } from '../../compare/changes.ts';
import { formatPython } from '../../compare/python-text.ts';
import { shortenMd5 } from '../../origin.ts';

/** A comparison as tables. Parts in which nothing differs are left out. */
export function formatDiff(document: DiffDocument): string {
  const [old, now] = [nameOf(document.old), nameOf(document.new)];
  const head = (name: string): string[] => [name, old, now, 'change'];
  const parts = [
    formatPart(head('rows'), changeRows(document.rows, String)),
    formatPart(['batch', 'rows added', old, now], document.batches.map(batchRow)),
    formatPart(['param', old, now], paramRows(document.params)),
    formatPart([...head('metric'), ''], metricRows(document.metrics)),
    formatSameRows(document),
    formatPart(head('model'), changeRows(document.model, String)),
    formatPart(
      head('feature importance'),
      changeRows(document.importance, (share) => share.toFixed(4)),
    ),
    formatPart(['artifact', old, now, 'size', 'was'], document.artifacts.map(artifactRow)),
  ].filter((text) => text !== undefined);
  if (parts.length === 0) return `${old} and ${now} of ${document.pipeline} are the same`;
  return parts.join('\n\n');
}

function nameOf({ version, build }: DiffDocument['old']): string {
  return `${version}.${build}`;
}

function formatPart(head: string[], rows: (string | number)[][]): string | undefined {
  return rows.length === 0 ? undefined : formatTable(head, rows);
}

function changeRows(changes: Changes, text: (value: number, name: string) => string): string[][] {
  return Object.entries(changes).map(([name, { old, new: now, diff }]) => [
    name,
    ...[old, now, diff].map((value) => (typeof value === 'number' ? text(value, name) : '–')),
  ]);
}

/** Adds whether each score is better or worse now, because a lower error is better than a higher one. */
function metricRows(changes: Changes): string[][] {
  const better = Object.entries(changes).map(([name, { diff = 0 }]) => isBetter(name, diff));
  return changeRows(changes, (value, name) => formatMetric(name, value)).map((row, i) => [
    ...row,
    better[i] === undefined ? '' : better[i] ? 'better' : 'worse',
  ]);
}

/** The scores of both builds on the same test rows, and what a test says of the difference. */
function formatSameRows({ old, new: now, sameRows }: DiffDocument): string | undefined {
  if (sameRows === null) return undefined;
  const { rows, of, scores } = sameRows;
  return formatPart(
    [`on the ${rows} test rows of ${of}`, nameOf(old), nameOf(now), 'change', ''],
    Object.entries(scores).map(([name, score]) => [
      name,
      formatNumber(score.old),
      formatNumber(score.new),
      formatNumber(score.diff),
      score.verdict ?? '',
    ]),
  );
}

function paramRows(changes: Changes): string[][] {
  return Object.entries(changes).map(([name, { old, new: now }]) => [
    name,
    old === null ? '–' : formatPython(old),
    now === null ? '–' : formatPython(now),
  ]);
}

function batchRow({ batch, old, new: now }: BatchChange): (string | number)[] {
  return [
    batch,
    (now?.rows ?? 0) - (old?.rows ?? 0),
    old === null ? '–' : shortenMd5(old.md5),
    now === null ? '–' : shortenMd5(now.md5),
  ];
}

function artifactRow({ old, new: now }: ArtifactChange): string[] {
  return [
    (now ?? old)!.path,
    old === null ? '–' : shortenMd5(old.md5),
    now === null ? '–' : shortenMd5(now.md5),
    now === null ? '–' : formatBytes(now.size),
    old === null ? '–' : formatBytes(old.size),
  ];
}
