import { formatScore } from '../../contract/metric-sets.ts';
import type { ClassScores } from './class-scores.ts';
import type { Agreement, NumberScores } from './number-scores.ts';

/** A matrix of more classes is too large to read, so only the metrics file has it. */
const MOST_CLASSES = 40;

/** Renders what a report shows of a classifier's scores after the score table, as HTML. */
export function renderClassSections(score: ClassScores): string[] {
  return [renderAccuracy(score), renderClassTable(score), renderConfusion(score)];
}

/**
 * Renders the mean probability of the predicted class, to compare with the accuracy. A model with a mean of 0.99 and
 * an accuracy of 0.80 is overconfident.
 * @param probabilities the probability of the predicted class of each row; at least one
 */
export function renderProbability(probabilities: Float64Array): string {
  const mean = probabilities.reduce((sum, value) => sum + value, 0) / probabilities.length;
  return `<p>The model gives the class it predicts a probability of ${formatShare(mean)} on average.</p>`;
}

function renderAccuracy({ accuracy, accuracy_low: low, accuracy_high: high }: ClassScores): string {
  const [from, to] = [formatShare(low), formatShare(high)];
  return `<p>Accuracy ${formatShare(accuracy)}, 95 % interval ${from} to ${to} ${drawInterval(low, accuracy, high)}</p>`;
}

function renderClassTable({ per_class: classes }: ClassScores): string {
  const rows = classes.map(({ label, precision, recall, f1, support }) => [
    escapeHtml(label),
    ...[precision, recall, f1].map((value) => `${formatShare(value)} ${drawBar(value)}`),
    String(support),
  ]);
  return `<h2>By class</h2>\n${renderTable(['class', 'precision', 'recall', 'F1', 'rows'], rows)}`;
}

function renderConfusion({ confusion_matrix: { labels, matrix } }: ClassScores): string {
  if (labels.length > MOST_CLASSES)
    return `<h2>Confusion</h2>\n<p>${labels.length} classes are too many for a picture: the metrics file has the matrix.</p>`;
  const most = Math.max(1, ...matrix.flat());
  const head = ['is ↓ taken for →', ...labels.map(escapeHtml)];
  const rows = labels.map((label, i) => {
    const cells = matrix[i]!.map((count, j) => {
      // Correct predictions are blue and wrong ones orange. A deeper colour means more rows.
      const colour = i === j ? '31,119,180' : '255,127,14';
      const depth = count === 0 ? 0 : 0.15 + (0.7 * count) / most;
      return `<td style="background:rgba(${colour},${depth.toFixed(3)})">${count}</td>`;
    });
    return `<tr><td>${escapeHtml(label)}</td>${cells.join('')}</tr>`;
  });
  return `<h2>Confusion</h2>\n<table>${renderHeaderRow(head)}${rows.join('')}</table>`;
}

/** Draws a 95 % interval around a point on the line from 0 to 1. */
function drawInterval(low: number, point: number, high: number): string {
  const [from, at, to] = [low, point, high].map((value) => (10 + 200 * value).toFixed(1));
  const line = (a: string, b: string, width: number, colour: string): string =>
    `<line x1="${a}" x2="${b}" y1="10" y2="10" stroke="${colour}" stroke-width="${width}"/>`;
  return `<svg width="220" height="20" role="img" aria-label="interval">${line('10', '210', 1, '#999')}${line(from!, to!, 5, '#9ecae1')}<circle cx="${at}" cy="10" r="4" fill="#1f77b4"/></svg>`;
}

/** Side of the picture and margin for its axis labels, in pixels. */
const SIDE = 320;
const MARGIN = 30;

/** Renders what a report shows of predicted numbers after the score table, as HTML. */
export function renderNumberSections({
  rmse,
  rmse_low,
  rmse_high,
  agreement,
}: NumberScores): string[] {
  const interval =
    rmse_low === undefined || rmse_high === undefined
      ? ''
      : `, 95 % interval ${formatScore(rmse_low)} to ${formatScore(rmse_high)}`;
  return [
    `<p>Root mean squared error ${formatScore(rmse)}${interval}, in the unit of the target.</p>`,
    `<h2>Predicted against actual</h2>`,
    drawAgreement(agreement),
    '<p>Rows on the line are predicted as they are; the darker a square, the more rows.</p>',
  ];
}

function drawAgreement({ edges, matrix }: Agreement): string {
  const most = Math.max(1, ...matrix.flat());
  const step = SIDE / matrix.length;
  const squares = matrix.flatMap((line, actual) =>
    line.flatMap((count, predicted) => {
      if (count === 0) return [];
      const x = (MARGIN + step * actual).toFixed(1);
      const y = (step * (matrix.length - 1 - predicted)).toFixed(1);
      const depth = (0.15 + (0.85 * count) / most).toFixed(3);
      const size = step.toFixed(1);
      return [
        `<rect x="${x}" y="${y}" width="${size}" height="${size}" fill="rgba(31,119,180,${depth})"><title>${count}</title></rect>`,
      ];
    }),
  );
  const [low, high] = [edges[0]!, edges.at(-1)!].map((edge) => String(Number(edge.toPrecision(6))));
  const foot = SIDE + 18;
  return [
    `<svg width="${SIDE + MARGIN + 10}" height="${SIDE + MARGIN}" role="img" aria-label="predicted against actual numbers">`,
    `<rect x="${MARGIN}" width="${SIDE}" height="${SIDE}" fill="none" stroke="#ddd"/>`,
    ...squares,
    `<line x1="${MARGIN}" y1="${SIDE}" x2="${SIDE + MARGIN}" y2="0" stroke="#999" stroke-dasharray="4"/>`,
    `<text x="${MARGIN}" y="${foot}" font-size="12">${low}</text>`,
    `<text x="${MARGIN + SIDE / 2}" y="${foot}" font-size="12" text-anchor="middle">actual →</text>`,
    `<text x="${MARGIN + SIDE}" y="${foot}" font-size="12" text-anchor="end">${high}</text>`,
    `<text x="20" y="${SIDE / 2}" font-size="12" text-anchor="middle" transform="rotate(-90 20 ${SIDE / 2})">predicted →</text>`,
    '</svg>',
  ].join('');
}

/** Renders an HTML table. The cells are HTML too. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`);
  return `<table>${renderHeaderRow(head)}${lines.join('')}</table>`;
}

/** Renders the header row of an HTML table. */
function renderHeaderRow(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<th scope="col">${cell}</th>`).join('')}</tr>`;
}

/** Formats a number with four decimals. */
export function formatShare(value: number): string {
  return value.toFixed(4);
}

/** Draws a share from 0 to 1 as a bar. */
export function drawBar(value: number): string {
  const width = (80 * value).toFixed(1);
  return `<svg width="80" height="10" role="img" aria-label="${formatShare(value)}"><rect width="80" height="10" fill="#eee"/><rect width="${width}" height="10" fill="#1f77b4"/></svg>`;
}

/** Escapes text for HTML. */
export function escapeHtml(text: string): string {
  const names: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => names[character]!);
}
