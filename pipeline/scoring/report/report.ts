import {
  compareScore,
  findMetricSet,
  formatScore,
  formatSigned,
} from '../../../contract/metric-sets.ts';
import type { Outline } from '../../models/estimator.ts';
import { renderBuild, renderCurve, type BuildFacts } from './build.ts';
import { escapeHtml, formatCount, formatPercent, renderBar, renderPage } from './page.ts';
import { renderSection, renderTable, type Html } from './page.ts';
import { findNewBatch, renderScored, type ReportMetrics } from './scores.ts';
import { renderOutline } from './tree.ts';

/** What a report shows. */
export interface ReportFacts {
  /** Number of the version. */
  batch: number;
  /** The metrics file of the version. */
  metrics: ReportMetrics;
  /** Mean probability of the predicted classes; null when it is not known. */
  confidence: number | null;
  /** Describes the model in a noun phrase: `A decision tree of depth 3 with 5 leaves`. */
  model: string;
  /** The importance of each feature, in the encoder's order; null if the model has no importance. */
  importance: readonly { feature: string; share: number }[] | null;
  /** The decisions of the model; null if it has none. */
  outline: Outline | null;
  /** What is known only once the version is published; absent in the report that `evaluate` stores. */
  build?: BuildFacts;
}

const MOST_FEATURES = 20;

/**
 * Renders a version as a page. It has the same bytes for the same facts. Names from the data are escaped.
 * @returns HTML as UTF-8
 */
export async function renderReport(facts: ReportFacts): Promise<Uint8Array> {
  const { batch, build, outline, importance } = facts;
  const title = build === undefined ? `Version ${batch}` : `${build.pipeline} · version ${batch}`;
  const over =
    build === undefined
      ? 'Report of a model'
      : `Report of a ${build.trial === null ? 'model' : 'trial'} · build ${build.seq} · ${formatDate(build.createdAt)}`;
  return renderPage(title, [
    '<header>',
    `<p class="over">${escapeHtml(over)}</p>`,
    `<h1>${escapeHtml(title)}</h1>`,
    `<p class="lead">${describeVersion(facts)}</p>`,
    build?.trial == null
      ? ''
      : `<p>This build is a trial with ${escapeHtml(build.trial)}. It is not published.</p>`,
    ...(build?.promotion ?? []).map((sentence) => `<p>${escapeHtml(sentence)}</p>`),
    renderCards(facts),
    '</header>',
    '<main>',
    ...[
      build === undefined ? '' : await renderCurve(batch, build),
      ...(await renderScored(facts.metrics, facts.confidence, build?.compared ?? [])),
      importance === null ? '' : renderImportance(importance),
      outline === null ? '' : renderOutline(outline),
      build === undefined ? '' : renderBuild(facts.metrics, build),
    ].filter((part) => part !== ''),
    '</main>',
    '<footer><p>This page is one file: it loads nothing and can be sent, printed and archived. Intervals are 95 % intervals. The test rows are rows that the model was not trained on.</p></footer>',
  ]);
}

function describeVersion({ batch, model, metrics, build }: ReportFacts): Html {
  const rows = build === undefined ? '' : ` ${formatCount(build.rows.train)} rows of`;
  const batches = batch === 1 ? 'batch 1' : `batches 1 to ${batch}`;
  const made = `${model}, trained on${rows} ${batches}`;
  const tested = metrics.test_rows;
  const scored =
    tested === 0
      ? '. There are no test rows, so this version has no scores.'
      : ` and tested on ${formatCount(tested)} other rows.`;
  return escapeHtml(`${made}${scored}`);
}

/** The few numbers that answer whether the version is good. */
function renderCards({ batch, metrics, build }: ReportFacts): Html {
  const { headline, shares } = findMetricSet(metrics);
  const value = metrics[headline];
  if (typeof value !== 'number') return '';
  const format = shares ? formatPercent : formatScore;
  const cards = [[nameScore(headline), format(value), describeInterval(metrics, headline, format)]];
  for (const { name, facts } of build?.compared ?? []) {
    const change = compareScore(headline, value, facts);
    if (change !== undefined)
      cards.push([
        `Change against ${name}, same rows`,
        signed(change.by, shares),
        [VERDICTS[change.verdict], `${name}: ${format(change.before)}`].filter(Boolean).join(', '),
      ]);
  }
  const alone = findNewBatch(metrics)?.[headline];
  if (typeof alone === 'number')
    cards.push([
      `On batch ${batch} alone`,
      format(alone),
      `${formatCount(findNewBatch(metrics)!.test_rows)} test rows`,
    ]);
  cards.push(['Test rows', formatCount(metrics.test_rows), 'never trained on']);
  const shown = cards.map(
    ([name, number, note]) =>
      `<div><dt>${escapeHtml(name!)}</dt><dd>${escapeHtml(number!)}<small>${escapeHtml(note!)}</small></dd></div>`,
  );
  return `<dl class="cards">${shown.join('')}</dl>`;
}

function describeInterval(
  metrics: ReportMetrics,
  name: string,
  format: (value: number) => string,
): string {
  const [low, high] = [metrics[`${name}_low`], metrics[`${name}_high`]];
  if (typeof low !== 'number' || typeof high !== 'number') return 'on all test rows';
  return `95 % interval ${format(low)} to ${format(high)}`;
}

/** A difference with its sign, in points of a percentage for shares. */
function signed(by: number, shares: boolean): string {
  if (by === 0) return 'none';
  return shares
    ? `${formatSigned(by, (size) => (100 * size).toFixed(1))} points`
    : formatSigned(by);
}

const VERDICTS = {
  better: '▲ better',
  worse: '▼ worse',
  'within noise': 'within noise',
  none: 'the same',
  untested: '',
} as const;

const NAMES: Readonly<Record<string, string>> = {
  accuracy: 'Accuracy',
  rmse: 'Root mean squared error',
};

function nameScore(headline: string): string {
  return NAMES[headline] ?? headline;
}

/** `2026-11-29T08:00:00.000Z` as `29 November 2026, 08:00 UTC`. */
function formatDate(iso: string): string {
  const [, year, month, day, time] = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(iso) ?? [];
  return year === undefined
    ? iso
    : `${Number(day)} ${MONTHS[Number(month) - 1]} ${year}, ${time} UTC`;
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

function renderImportance(importance: NonNullable<ReportFacts['importance']>): Html {
  const first = importance
    .map((entry, order) => ({ ...entry, order }))
    .toSorted((a, b) => b.share - a.share || a.order - b.order)
    .slice(0, MOST_FEATURES);
  const rows = first.map(({ feature, share }) => [
    escapeHtml(feature),
    renderBar(share, formatPercent(share)),
  ]);
  const more = importance.length - first.length;
  return renderSection('importance', 'What the model looks at', [
    renderTable(
      'Importance: the share of each feature in what the model has learnt from the train rows',
      ['feature', 'importance'],
      rows,
      'narrow',
    ),
    more > 0 ? `<p class="note">and ${formatCount(more)} features of less importance</p>` : '',
  ]);
}
