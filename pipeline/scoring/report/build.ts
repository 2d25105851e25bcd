import { findMetricSet, formatScore } from '../../../contract/metric-sets.ts';
import type { Point } from './charts.ts';
import {
  escapeHtml,
  formatCount,
  renderFigure,
  renderSection,
  renderTable,
  type Html,
} from './page.ts';
import type { ComparedBuild, ReportMetrics } from './scores.ts';

/**
 * The facts of a published build. Everything but the champion is as the record of the build and those of earlier
 * versions have it.
 */
export interface BuildFacts {
  pipeline: string;
  seq: number;
  /** For a trial that is not published: the params in which it differs, in one phrase; otherwise null. */
  trial: string | null;
  /** What the gate decided, and which build is the champion, in sentences; empty where no gate has decided. */
  promotion: readonly string[];
  /** ISO 8601, UTC. */
  createdAt: string;
  /** The name of the data's source. */
  source: string;
  rows: { all: number | undefined; newBatch: number | undefined; train: number };
  /** Params by dotted name. */
  params: Readonly<Record<string, unknown>>;
  /** The build before, with whose params its own are compared; null for the first. */
  previous: { name: string; params: Readonly<Record<string, unknown>> } | null;
  /** The builds with which it is compared on the same rows: the one before and, if it is another, the champion. */
  compared: readonly ComparedBuild[];
  /** The metrics of the versions up to this one. */
  history: readonly { version: number; metrics: Readonly<Record<string, number>> }[];
  /** Pages that show more. */
  links: readonly { text: string; href: string }[];
  gitCommit: string | null;
  warnings: readonly string[];
  /** A drawing of what the version was made from, as SVG. */
  lineage: Html;
}

/** Renders the headline score over the versions up to this one. */
export async function renderCurve(batch: number, { history }: BuildFacts): Promise<Html> {
  const { headline } = findMetricSet(history.at(-1)?.metrics ?? {});
  const points = history.flatMap(({ version, metrics }): Point[] => {
    const score = metrics[headline];
    if (score === undefined) return [];
    const [low, high] = [metrics[`${headline}_low`], metrics[`${headline}_high`]];
    return [{ version, score, low, high, alone: metrics[`new_batch_${headline}`] }];
  });
  if (points.length < 2) return '';
  const { drawCurve } = await import('./charts.ts');
  const format = (value: number | undefined): string =>
    value === undefined ? '–' : formatScore(value);
  const rows = points.map(({ version, score, low, high, alone }) => [
    version === batch ? `<strong>version ${version}</strong>` : `version ${version}`,
    formatScore(score),
    low === undefined || high === undefined ? '–' : `${formatScore(low)} to ${formatScore(high)}`,
    format(alone),
  ]);
  return renderSection('curve', 'Scores over versions', [
    renderFigure(
      drawCurve(points, headline, batch),
      `The line is the ${headline} of each version on all its test rows, with its interval. A square is the ${headline} on the newest batch alone. The large dot is this version.`,
    ),
    `<details><summary>The same as a table</summary>\n${renderTable(
      `${headline} by version`,
      ['version', headline, '95 % interval', 'new batch'],
      rows,
    )}</details>`,
  ]);
}

/** Renders how the version was made, and where more is shown. */
export function renderBuild(metrics: ReportMetrics, build: BuildFacts): Html {
  const { warnings, links, lineage } = build;
  return [
    renderSection('made', 'How it was made', [
      renderTable(
        'The version and its data',
        ['what', 'value'],
        [
          ['pipeline', build.pipeline],
          ['build', String(build.seq)],
          ['made', build.createdAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')],
          ['source of the data', build.source],
          ['rows of all batches', formatKnown(build.rows.all)],
          ['rows of the new batch', formatKnown(build.rows.newBatch)],
          ['train rows', formatCount(build.rows.train)],
          ['test rows', formatCount(metrics.test_rows)],
          ['commit of the program', build.gitCommit ?? 'not known'],
        ].map((row) => row.map(escapeHtml)),
        'words',
      ),
      warnings.length === 0
        ? ''
        : `<h3>Warnings</h3>\n<ul>${warnings.map((text) => `<li>${escapeHtml(text)}</li>`).join('')}</ul>`,
    ]),
    renderParams(build),
    renderSection('lineage', 'Where it comes from', [
      renderFigure(
        lineage,
        'Each box is a stored artifact, and each rounded box the stage that made it. The short codes name the contents.',
      ),
    ]),
    renderSection('links', 'More', [
      links.length === 0
        ? ''
        : `<ul>${links.map(({ text, href }) => `<li>${renderLink(text, href)}</li>`).join('')}</ul>`,
    ]),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function formatKnown(count: number | undefined): string {
  return count === undefined ? 'not known' : formatCount(count);
}

/** Only web pages and files become links: a record could hold the address of a script. */
function renderLink(text: string, href: string): Html {
  return /^(https?|file):\/\//.test(href)
    ? `<a href="${escapeHtml(href)}">${escapeHtml(text)}</a>`
    : `${escapeHtml(text)}: <code>${escapeHtml(href)}</code>`;
}

/** Renders the params that differ from the version before, and folds the list of all. */
function renderParams({ params, previous }: BuildFacts): Html {
  const text = (value: unknown): string =>
    typeof value === 'string' ? value : JSON.stringify(value ?? null);
  const name = (param: string): Html => `<code>${escapeHtml(param)}</code>`;
  const all = Object.entries(params);
  const changed =
    previous === null
      ? []
      : all.filter(([param, value]) => text(previous.params[param]) !== text(value));
  const list = renderTable(
    'All params of the build',
    ['param', 'value'],
    all.map(([param, value]) => [name(param), escapeHtml(text(value))]),
    'words',
  );
  return renderSection('params', 'Params', [
    previous === null
      ? ''
      : changed.length === 0
        ? `<p>The params are those of ${escapeHtml(previous.name)}.</p>`
        : renderTable(
            `Params that differ from ${escapeHtml(previous.name)}`,
            ['param', escapeHtml(previous.name), 'this build'],
            changed.map(([param, value]) => [
              name(param),
              escapeHtml(text(previous.params[param])),
              `<strong>${escapeHtml(text(value))}</strong>`,
            ]),
            'words',
          ),
    `<details><summary>All ${all.length} params</summary>\n${list}</details>`,
  ]);
}
