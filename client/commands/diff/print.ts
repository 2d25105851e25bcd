import {
  findMetricSet,
  formatInterval,
  formatSigned,
  isLimit,
} from '../../../contract/metric-sets.ts';
import { nameBuildDocument } from '../../champion.ts';
import { formatBytes, formatMetric, formatNumber, formatTable } from '../../format.ts';
import type { ArtifactChange, BatchChange, DiffDocument } from './document.ts';
import type { Changes } from '../../compare/changes.ts';
import { formatPython } from '../../compare/python-text.ts';
import { shortenMd5 } from '../../origin.ts';

/** A comparison as tables. Parts in which nothing differs are left out. */
export function formatDiff(document: DiffDocument): string {
  const [old, now] = [nameBuildDocument(document.old), nameBuildDocument(document.new)];
  const head = (name: string): string[] => [name, old, now, 'change'];
  const parts = [
    formatPart(head('rows'), changeRows(document.rows, String)),
    formatPart(['batch', 'rows added', old, now], document.batches.map(batchRow)),
    formatPart(['param', old, now], paramRows(document.params)),
    formatMetrics(head, document),
    hasSameRows(document) ? undefined : formatSameRows(document),
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

function formatPart(head: string[], rows: (string | number)[][]): string | undefined {
  return rows.length === 0 ? undefined : formatTable(head, rows);
}

function changeRows(changes: Changes, text: (value: number, name: string) => string): string[][] {
  return Object.entries(changes).map(([name, { old, new: now, diff }]) => [
    name,
    ...[old, now].map((value) => (typeof value === 'number' ? text(value, name) : '–')),
    typeof diff === 'number' ? formatSigned(diff, (size) => text(size, name)) : '–',
  ]);
}

/**
 * Whether the metrics of both builds are of the same test rows. Of one and the same file, each model can leave out other
 * rows: those of a missing cell or a new word.
 */
function hasSameRows({ artifacts, old, new: now, sameRows }: DiffDocument): boolean {
  return (
    !artifacts.some(({ stage, name }) => stage === 'preprocess' && name === 'test') &&
    [old, now].every(({ testRows }) => testRows === sameRows?.rows)
  );
}

/** The metrics of both builds. Only scores on the same rows can be better or worse. */
function formatMetrics(
  head: (name: string) => string[],
  document: DiffDocument,
): string | undefined {
  const same = hasSameRows(document);
  // The limits of intervals would be most of the rows. The JSON document has them.
  const scores = Object.entries(document.metrics).filter(([name]) => !isLimit(name));
  const rows = changeRows(Object.fromEntries(scores), (value, name) => formatMetric(name, value));
  const judged = rows.map(([name, old, now, change]) => {
    const verdict = same ? document.sameRows?.scores[name!]?.verdict : undefined;
    return [name!, old!, now!, judge(change!, verdict)];
  });
  return formatPart(head(same ? nameSame(document) : 'metric, each on its own test rows'), judged);
}

/** A change and what a test says of it: `+0.0386 better`. */
function judge(change: string, verdict: string | undefined): string {
  return verdict === undefined ? change : `${change} ${verdict}`;
}

function nameSame({ sameRows }: DiffDocument): string {
  return `metric, on the same ${sameRows!.rows} test rows`;
}

/** The scores of both builds on the same test rows, and what a test says of the difference. */
function formatSameRows({ old, new: now, sameRows }: DiffDocument): string | undefined {
  if (sameRows === null) return undefined;
  const { rows, of, leftOut, scores } = sameRows;
  const { shares } = findMetricSet(scores);
  const others = of === nameBuildDocument(old) ? nameBuildDocument(now) : nameBuildDocument(old);
  const which =
    leftOut === 0
      ? `the ${rows} test rows of ${of}`
      : `${rows} test rows of ${of} that ${others} was not trained on`;
  return formatPart(
    [`on ${which}`, nameBuildDocument(old), '95 %', nameBuildDocument(now), '95 %', 'change'],
    Object.entries(scores).map(([name, score]) => [
      name,
      formatNumber(score.old),
      formatLimits(score.oldInterval, shares),
      formatNumber(score.new),
      formatLimits(score.newInterval, shares),
      score.diff === 0 ? '' : judge(formatSigned(score.diff), score.verdict),
    ]),
  );
}

function formatLimits(interval: [low: number, high: number] | null, shares: boolean): string {
  return formatInterval(interval?.[0], interval?.[1], shares);
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
    formatSigned((now?.rows ?? 0) - (old?.rows ?? 0), String),
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
