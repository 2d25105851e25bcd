import type { Scored } from './score-model.ts';
import { findMetricSet } from '../../contract/metric-sets.ts';
import { formatScore } from '../../contract/metric-sets.ts';
import { drawBar, escapeHtml, formatShare, renderTable } from './report-sections.ts';

/** What a report shows. */
export interface ReportFacts {
  /** Number of the version. */
  batch: number;
  /** Scores on the test rows of all batches so far, and of the new batch alone; null without test rows. */
  whole: Scored | null;
  newBatch: Scored | null;
  /** Describes the model in a noun phrase: `A decision tree of depth 3 with 5 leaves`. */
  model: string;
  /** The importance of each feature, in the encoder's order; null if the model has no importance. */
  importance: readonly { feature: string; share: number }[] | null;
}

const MOST_FEATURES = 20;

/**
 * Renders the scores of a version as a page. The page loads no other file, runs no script, and has the same bytes for
 * the same facts. Names from the data are escaped.
 * @returns HTML as UTF-8
 */
export function renderReport(facts: ReportFacts): Uint8Array {
  const { batch, whole, newBatch, model, importance } = facts;
  const title = `Version ${batch}`;
  const body = [
    `<h1>${title}</h1>`,
    `<p>${escapeHtml(model)}, trained on batches 1 to ${batch}.</p>`,
    renderScoreTable(whole, newBatch),
    ...(whole === null ? [] : whole.sections()),
    ...(importance === null ? [] : [renderImportance(importance)]),
  ];
  const head = `<meta charset="utf-8"><title>${title}</title><style>${STYLE}</style>`;
  return Buffer.from(`<!doctype html>\n<html lang="en">\n${head}\n${body.join('\n')}\n</html>\n`);
}

const STYLE = [
  'body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}',
  'table{border-collapse:collapse;margin:.5rem 0 1.5rem}',
  'th,td{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #ddd}',
  'th:first-child,td:first-child{text-align:left}',
  'svg{vertical-align:middle}',
].join('');

function renderScoreTable(whole: Scored | null, newBatch: Scored | null): string {
  if (whole === null) return '<p>There are no test rows, so this version has no scores.</p>';
  const cell = (scored: Scored | null, name: string): string => {
    const value = scored?.numbers[name];
    return value === undefined ? '–' : formatScore(value);
  };
  const names = findMetricSet(whole.numbers).shown;
  const rows = names.map((name) => [name, cell(whole, name), cell(newBatch, name)]);
  rows.push(['test rows', String(whole.rows), String(newBatch?.rows ?? 0)]);
  return `<h2>Scores</h2>\n${renderTable(['', 'all batches', 'new batch'], rows)}`;
}

function renderImportance(importance: NonNullable<ReportFacts['importance']>): string {
  const first = importance
    .map((entry, order) => ({ ...entry, order }))
    .toSorted((a, b) => b.share - a.share || a.order - b.order)
    .slice(0, MOST_FEATURES);
  const rows = first.map((entry) => [
    escapeHtml(entry.feature),
    `${formatShare(entry.share)} ${drawBar(entry.share)}`,
  ]);
  const more = importance.length - first.length;
  const note = more > 0 ? `\n<p>and ${more} more features</p>` : '';
  return `<h2>Feature importance</h2>\n${renderTable(['feature', 'share'], rows)}${note}`;
}
