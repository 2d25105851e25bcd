import type { Score } from './metrics.ts';

/** What a report is made of. */
export interface ReportFacts {
  /** N of the version. */
  batch: number;
  /** Scores on the test rows of everything so far, and of the new batch alone; null without test rows. */
  whole: Score | null;
  newBatch: Score | null;
  depth: number;
  leaves: number;
  /** Each feature's share of what the tree's splits gain, in the encoder's order. */
  importance: readonly { feature: string; share: number }[];
}

/** More classes than this make a matrix that nobody reads: the metrics file has it. */
const MOST_CLASSES = 40;
const MOST_FEATURES = 20;

/**
 * One version's scores as a page for people: it needs nothing but itself, runs no script, and is the
 * same bytes for the same facts. Names from the data are escaped.
 * @returns HTML as UTF-8
 */
export function renderReport(facts: ReportFacts): Uint8Array {
  const { batch, whole, newBatch, depth, leaves } = facts;
  const title = `Version ${batch}`;
  const body = [
    `<h1>${title}</h1>`,
    `<p>A decision tree of depth ${depth} with ${leaves} leaves, trained on batches 1 to ${batch}.</p>`,
    scoreTable(whole, newBatch),
    ...(whole === null ? [] : [classTable(whole), matrixTable(whole)]),
    importanceTable(facts.importance),
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

const SCORES = ['accuracy', 'balanced_accuracy', 'precision_macro', 'recall_macro', 'f1_macro'];

function scoreTable(whole: Score | null, newBatch: Score | null): string {
  if (whole === null) return '<p>There are no test rows, so this version has no scores.</p>';
  const cell = (score: Score | null, name: string): string =>
    score === null ? '–' : share(score[name as 'accuracy']);
  const rows = SCORES.map((name) => [name, cell(whole, name), cell(newBatch, name)]);
  rows.push(['test rows', String(whole.rows), String(newBatch?.rows ?? 0)]);
  const [low, high] = [whole.accuracy_low, whole.accuracy_high];
  return [
    '<h2>Scores</h2>',
    tableOf(['', 'all batches', `new batch`], rows),
    `<p>Accuracy ${share(whole.accuracy)}, 95 % interval ${share(low)} to ${share(high)} ${interval(low, whole.accuracy, high)}</p>`,
  ].join('\n');
}

function classTable({ per_class: classes }: Score): string {
  const rows = classes.map(({ label, precision, recall, f1, support }) => [
    escapeHtml(label),
    ...[precision, recall, f1].map((value) => `${share(value)} ${bar(value)}`),
    String(support),
  ]);
  return `<h2>By class</h2>\n${tableOf(['class', 'precision', 'recall', 'F1', 'rows'], rows)}`;
}

function matrixTable({ confusion_matrix: { labels, matrix } }: Score): string {
  if (labels.length > MOST_CLASSES)
    return `<h2>Confusion</h2>\n<p>${labels.length} classes are too many for a picture: the metrics file has the matrix.</p>`;
  const most = Math.max(1, ...matrix.flat());
  const head = ['is ↓ taken for →', ...labels.map(escapeHtml)];
  const rows = labels.map((label, i) => {
    const cells = matrix[i]!.map((count, j) => {
      // Right is blue and wrong is orange, the deeper the more rows.
      const colour = i === j ? '31,119,180' : '255,127,14';
      const depth = count === 0 ? 0 : 0.15 + (0.7 * count) / most;
      return `<td style="background:rgba(${colour},${depth.toFixed(3)})">${count}</td>`;
    });
    return `<tr><td>${escapeHtml(label)}</td>${cells.join('')}</tr>`;
  });
  return `<h2>Confusion</h2>\n<table>${headOf(head)}${rows.join('')}</table>`;
}

function importanceTable(importance: ReportFacts['importance']): string {
  const first = importance
    .map((entry, order) => ({ ...entry, order }))
    .toSorted((a, b) => b.share - a.share || a.order - b.order)
    .slice(0, MOST_FEATURES);
  const rows = first.map((entry) => [
    escapeHtml(entry.feature),
    `${share(entry.share)} ${bar(entry.share)}`,
  ]);
  const more = importance.length - first.length;
  const note = more > 0 ? `\n<p>and ${more} more features</p>` : '';
  return `<h2>What the tree looks at</h2>\n${tableOf(['feature', 'share of the gain'], rows)}${note}`;
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`);
  return `<table>${headOf(head)}${lines.join('')}</table>`;
}

function headOf(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<th scope="col">${cell}</th>`).join('')}</tr>`;
}

function share(value: number): string {
  return value.toFixed(4);
}

/** A share from 0 to 1 as a bar. */
function bar(value: number): string {
  const width = (80 * value).toFixed(1);
  return `<svg width="80" height="10" role="img" aria-label="${share(value)}"><rect width="80" height="10" fill="#eee"/><rect width="${width}" height="10" fill="#1f77b4"/></svg>`;
}

/** A 95 % interval around a point on the line from 0 to 1. */
function interval(low: number, point: number, high: number): string {
  const [from, at, to] = [low, point, high].map((value) => (10 + 200 * value).toFixed(1));
  const line = (a: string, b: string, width: number, colour: string): string =>
    `<line x1="${a}" x2="${b}" y1="10" y2="10" stroke="${colour}" stroke-width="${width}"/>`;
  return `<svg width="220" height="20" role="img" aria-label="interval">${line('10', '210', 1, '#999')}${line(from!, to!, 5, '#9ecae1')}<circle cx="${at}" cy="10" r="4" fill="#1f77b4"/></svg>`;
}

function escapeHtml(text: string): string {
  const names: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => names[character]!);
}
