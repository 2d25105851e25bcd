import {
  compareScore,
  findMetricSet,
  formatChange,
  formatScore,
  formatScoreInterval,
  type ScoreChange,
} from '../../../contract/metric-sets.ts';
import { describeKnownRows, describeLeftOut, pickFacts } from '../../../contract/comparisons.ts';
import type { Agreement } from '../number-scores.ts';
import {
  escapeHtml,
  formatCount,
  formatPercent,
  renderBar,
  renderFigure,
  renderSection,
  renderTable,
  makeScrollable,
  type Html,
} from './page.ts';

/** The metrics file of a version, or the part of it on the new batch: numbers by name, and details that are plotted. */
export interface ReportMetrics {
  test_rows: number;
  [name: string]: unknown;
}

/** A build with which another is compared on the same rows. */
export interface ComparedBuild {
  /** `version 2`, `champion 1.1`, or `build 3.1` for a build of the same version. */
  name: string;
  /**
   * Its scores and their intervals, `rows`, and, as `<score>_change`, what a test says. Names that begin with `new_batch_` are
   * of the new batch alone; with `prequential_`, of that whole batch before any model was trained on it.
   */
  facts: Readonly<Record<string, string | number | boolean | null>>;
}

interface Confusion {
  labels: readonly string[];
  matrix: readonly (readonly number[])[];
}

interface ClassScore {
  precision: number;
  recall: number;
  f1: number;
  support: number;
}

/** A matrix of more classes is too large to read, so only the metrics file has it. */
const MOST_CLASSES = 40;

/** The scores on the new batch alone; undefined if it has no test rows. */
export function findNewBatch(metrics: ReportMetrics): ReportMetrics | undefined {
  const alone = metrics['new_batch'] as ReportMetrics | undefined;
  return alone === undefined || alone.test_rows === 0 ? undefined : alone;
}

/** Renders the sections on scores. */
export async function renderScored(
  metrics: ReportMetrics,
  confidence: number | null,
  compared: readonly ComparedBuild[],
): Promise<Html[]> {
  if (metrics.test_rows === 0) return [];
  const confusion = metrics['confusion_matrix'] as Confusion | undefined;
  const classes = metrics['classes'] as Record<string, ClassScore> | undefined;
  const agreement = metrics['agreement'] as Agreement | undefined;
  return [
    renderSection('scores', 'Scores', [
      renderScoreTable(metrics),
      confidence === null
        ? ''
        : `<p class="note">The model gives the class that it predicts a probability of ${formatPercent(confidence)} on average. Much more than its accuracy means that it is too sure.</p>`,
    ]),
    renderCompared(metrics, compared),
    confusion === undefined ? '' : renderConfusion(confusion),
    classes === undefined ? '' : renderClasses(classes),
    agreement === undefined ? '' : await renderAgreement(agreement),
  ];
}

function renderScoreTable(metrics: ReportMetrics): Html {
  const { shown, lower } = findMetricSet(metrics);
  const alone = findNewBatch(metrics);
  const rows = shown.map((name) => [
    name,
    formatKnown(metrics[name]),
    formatScoreInterval(metrics, name),
    formatKnown(alone?.[name]),
    alone === undefined ? '' : formatScoreInterval(alone, name),
  ]);
  const counts = [metrics.test_rows, alone?.test_rows ?? 0].map(formatCount);
  rows.push(['test rows', counts[0]!, '', counts[1]!, '']);
  const best =
    lower.length === 0
      ? '1 is the best value of each score.'
      : `A lower value is better for ${lower.join(' and ')}, which are in the unit of the target; 1 is the best r2.`;
  return renderTable(
    `Scores on the test rows of all batches so far, and on those of the new batch alone. ${best}`,
    ['score', 'this version', '95 % interval', 'new batch alone', '95 % interval'],
    rows,
  );
}

/** Renders the scores of other builds, each in a table of its own, so that nobody takes them for those of this version. */
function renderCompared(metrics: ReportMetrics, compared: readonly ComparedBuild[]): Html {
  const tables = compared.flatMap((other) => {
    const { name, facts } = other;
    const left = describeLeftOut(facts, name);
    return [
      renderSameRows(metrics, other),
      left === '' ? '' : `<p class="note">${escapeHtml(left)}.</p>`,
      renderPrequential(metrics, other),
    ];
  });
  return tables.every((table) => table === '')
    ? ''
    : renderSection('compared', 'Compared on the same rows', tables);
}

function renderSameRows(metrics: ReportMetrics, { name, facts }: ComparedBuild): Html {
  const { shown } = findMetricSet(metrics);
  const alone = findNewBatch(metrics);
  const batch = pickFacts(facts, 'new_batch_') ?? {};
  const rows = shown.flatMap((score) => {
    const change = compareScore(score, metrics[score], facts);
    if (change === undefined) return [];
    const onBatch = compareScore(score, alone?.[score], batch);
    return [
      [
        score,
        formatScore(change.now),
        formatScore(change.before),
        formatScoreInterval(facts, score),
        renderChange(change),
        onBatch === undefined ? '–' : formatScore(onBatch.before),
        formatScoreInterval(batch, score),
        onBatch === undefined ? '–' : renderChange(onBatch),
      ],
    ];
  });
  if (rows.length === 0) return '';
  const [all, last] = [facts['rows'], batch['rows']].map((count) =>
    typeof count === 'number' ? formatCount(count) : '0',
  );
  rows.push(['test rows', all!, all!, '', '', last!, '', '']);
  const other = escapeHtml(name);
  return renderTable(
    `This version and ${other} on the same test rows, on which neither was trained: first on all of them, then on those of the new batch. A change is within noise if a test at 95 % finds that it can be chance.`,
    [
      'score',
      'this version',
      other,
      '95 % interval',
      'change',
      `${other}, new batch`,
      '95 % interval',
      'change',
    ],
    rows,
  );
}

function renderPrequential(metrics: ReportMetrics, { name, facts }: ComparedBuild): Html {
  const whole = pickFacts(facts, 'prequential_') ?? {};
  const rows = findMetricSet(metrics).shown.flatMap((score) => {
    const value = whole[score];
    return typeof value === 'number'
      ? [[score, formatScore(value), formatScoreInterval(whole, score)]]
      : [];
  });
  if (rows.length === 0) return '';
  rows.push(['rows', formatCount(Number(whole['rows'])), '']);
  const known = describeKnownRows(whole);
  return renderTable(
    `${escapeHtml(name)} on the whole new batch${known === '' ? '' : ` ${known}`}, before any model was trained on it: how it would have done in production`,
    ['score', escapeHtml(name), '95 % interval'],
    rows,
    'narrow',
  );
}

function formatKnown(value: unknown): string {
  return typeof value === 'number' ? formatScore(value) : '–';
}

const SIGNS = { better: '▲ ', worse: '▼ ', 'within noise': '', none: '', untested: '' } as const;
const COLOURS = {
  better: 'good',
  worse: 'bad',
  'within noise': 'note',
  none: 'note',
  untested: 'note',
} as const;

/** Says in a word and by a sign, not only by colour, whether a change is for the better. */
function renderChange(change: ScoreChange): Html {
  const { verdict } = change;
  return `<span class="${COLOURS[verdict]}">${SIGNS[verdict]}${formatChange(change)}</span>`;
}

function renderClasses(classes: Readonly<Record<string, ClassScore>>): Html {
  const rows = Object.entries(classes).map(([label, { precision, recall, f1, support }]) => [
    escapeHtml(label),
    ...[precision, recall, f1].map((value) => renderBar(value, formatPercent(value))),
    formatCount(support),
  ]);
  return renderSection('classes', 'Class by class', [
    renderTable(
      'Precision: of the rows predicted as this class, how many are of it. Recall: of the rows of this class, how many are found. F1 joins both.',
      ['class', 'precision', 'recall', 'F1', 'test rows'],
      rows,
    ),
  ]);
}

function renderConfusion({ labels, matrix }: Confusion): Html {
  const heading = 'Right and wrong predictions';
  if (labels.length > MOST_CLASSES)
    return renderSection('confusion', heading, [
      `<p>${labels.length} classes are too many for a table: the metrics file has the counts.</p>`,
    ]);
  const most = Math.max(1, ...matrix.flat());
  const lines = labels.map((label, i) => {
    const cells = matrix[i]!.map((count, j) => {
      // A deeper colour means more rows. Text stays readable on the deepest one.
      const depth = count === 0 ? 0 : 0.12 + (0.33 * count) / most;
      return `<td class="${i === j ? 'hit' : 'miss'}" style="--d:${depth.toFixed(3)}">${formatCount(count)}</td>`;
    });
    return `<tr><th scope="row">${escapeHtml(label)}</th>${cells.join('')}</tr>`;
  });
  const wrong = matrix.flatMap((row, i) => row.filter((_, j) => i !== j)).reduce(add, 0);
  const all = matrix.flat().reduce(add, 0);
  const caption =
    'Each line holds the test rows of one class. The columns show which class the model predicted for them. Right predictions are bold, on the diagonal.';
  const head = `<thead><tr><td></td><th scope="colgroup" colspan="${labels.length}">predicted class</th></tr><tr><th scope="col">actual class</th>${labels.map((label) => `<th scope="col">${escapeHtml(label)}</th>`).join('')}</tr></thead>`;
  return renderSection('confusion', heading, [
    `<p>${formatCount(all - wrong)} of ${formatCount(all)} test rows are predicted right and ${formatCount(wrong)} wrong.${listMistakes(labels, matrix)}</p>`,
    makeScrollable(
      `<table class="matrix"><caption>${caption}</caption>${head}<tbody>${lines.join('')}</tbody></table>`,
      heading,
    ),
  ]);
}

/** The most frequent mistake in words, for readers of no tables. */
function listMistakes(labels: readonly string[], matrix: Confusion['matrix']): Html {
  const mistakes = matrix
    .flatMap((row, i) => row.map((count, j) => ({ count, i, j })))
    .filter(({ count, i, j }) => i !== j && count > 0)
    .toSorted((a, b) => b.count - a.count || a.i - b.i || a.j - b.j);
  const [first] = mistakes;
  if (first === undefined) return '';
  const { count, i, j } = first;
  return escapeHtml(
    ` The most frequent mistake: ${labels[i]} predicted as ${labels[j]} (${formatCount(count)}).`,
  );
}

async function renderAgreement(agreement: Agreement): Promise<Html> {
  // Only a regression needs the chart, and loading its library takes 0.2 s.
  const { drawAgreement } = await import('./charts.ts');
  return renderSection('agreement', 'Predicted against actual', [
    renderFigure(
      drawAgreement(agreement),
      'Each square holds test rows; a darker one holds more. Rows on the dashed line are predicted as they are.',
    ),
  ]);
}

function add(a: number, b: number): number {
  return a + b;
}
