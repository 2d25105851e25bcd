import { isBetter } from '../../../contract/metric-sets.ts';
import { bytes, number, table } from '../../format.ts';
import type { ArtifactChange, BatchChange, DiffDocument } from './document.ts';
import type { Changes } from '../../compare/changes.ts';
import { pythonText } from '../../compare/python-text.ts';
import { short } from '../../origin.ts';

/** A comparison as tables. Parts in which nothing differs are left out. */
export function diffText(document: DiffDocument): string {
  const [old, now] = [nameOf(document.old), nameOf(document.new)];
  const head = (name: string): string[] => [name, old, now, 'change'];
  const parts = [
    part(head('rows'), changeRows(document.rows, String)),
    part(['batch', 'rows added', old, now], document.batches.map(batchRow)),
    part(['param', old, now], paramRows(document.params)),
    part([...head('metric'), ''], metricRows(document.metrics)),
    part(head('model'), changeRows(document.model, String)),
    part(
      head('feature importance'),
      changeRows(document.importance, (share) => share.toFixed(4)),
    ),
    part(['artifact', old, now, 'size', 'was'], document.artifacts.map(artifactRow)),
  ].filter((text) => text !== undefined);
  if (parts.length === 0) return `${old} and ${now} of ${document.pipeline} are the same`;
  return parts.join('\n\n');
}

function nameOf({ version, build }: DiffDocument['old']): string {
  return `${version}.${build}`;
}

function part(head: string[], rows: (string | number)[][]): string | undefined {
  return rows.length === 0 ? undefined : table(head, rows);
}

function changeRows(changes: Changes, text: (value: number) => string): string[][] {
  const shown = (value: unknown): string => (typeof value === 'number' ? text(value) : '–');
  return Object.entries(changes).map(([name, { old, new: now, diff }]) => [
    name,
    shown(old),
    shown(now),
    diff === undefined ? '–' : text(diff),
  ]);
}

/** Adds whether each score is better or worse now, because a lower error is better than a higher one. */
function metricRows(changes: Changes): string[][] {
  const better = Object.entries(changes).map(([name, { diff = 0 }]) => isBetter(name, diff));
  return changeRows(changes, number).map((row, i) => [
    ...row,
    better[i] === undefined ? '' : better[i] ? 'better' : 'worse',
  ]);
}

function paramRows(changes: Changes): string[][] {
  return Object.entries(changes).map(([name, { old, new: now }]) => [
    name,
    old === null ? '–' : pythonText(old),
    now === null ? '–' : pythonText(now),
  ]);
}

function batchRow({ batch, old, new: now }: BatchChange): (string | number)[] {
  return [
    batch,
    (now?.rows ?? 0) - (old?.rows ?? 0),
    old === null ? '–' : short(old.md5),
    now === null ? '–' : short(now.md5),
  ];
}

function artifactRow({ old, new: now }: ArtifactChange): string[] {
  return [
    (now ?? old)!.path,
    old === null ? '–' : short(old.md5),
    now === null ? '–' : short(now.md5),
    now === null ? '–' : bytes(now.size),
    old === null ? '–' : bytes(old.size),
  ];
}
