import type { Score } from '../metrics.ts';
import { bar, escapeHtml, fourDigits, headOf, tableOf } from './html.ts';

/** More classes than this make a matrix that nobody reads: the metrics file has it. */
const MOST_CLASSES = 40;

/** What a report shows of a classifier's scores beyond their table, as HTML. */
export function classSections(score: Score): string[] {
  return [accuracyLine(score), classTable(score), matrixTable(score)];
}

/**
 * How sure the model is, to be read beside its accuracy: a model that says 0.99 and is right in 0.80 of the
 * rows is too sure.
 * @param probabilities what the model gives the class it predicts, by row; at least one
 */
export function probabilityLine(probabilities: Float64Array): string {
  const mean = probabilities.reduce((sum, value) => sum + value, 0) / probabilities.length;
  return `<p>The model gives the class it predicts a probability of ${fourDigits(mean)} on average.</p>`;
}

function accuracyLine({ accuracy, accuracy_low: low, accuracy_high: high }: Score): string {
  const [from, to] = [fourDigits(low), fourDigits(high)];
  return `<p>Accuracy ${fourDigits(accuracy)}, 95 % interval ${from} to ${to} ${interval(low, accuracy, high)}</p>`;
}

function classTable({ per_class: classes }: Score): string {
  const rows = classes.map(({ label, precision, recall, f1, support }) => [
    escapeHtml(label),
    ...[precision, recall, f1].map((value) => `${fourDigits(value)} ${bar(value)}`),
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

/** A 95 % interval around a point on the line from 0 to 1. */
function interval(low: number, point: number, high: number): string {
  const [from, at, to] = [low, point, high].map((value) => (10 + 200 * value).toFixed(1));
  const line = (a: string, b: string, width: number, colour: string): string =>
    `<line x1="${a}" x2="${b}" y1="10" y2="10" stroke="${colour}" stroke-width="${width}"/>`;
  return `<svg width="220" height="20" role="img" aria-label="interval">${line('10', '210', 1, '#999')}${line(from!, to!, 5, '#9ecae1')}<circle cx="${at}" cy="10" r="4" fill="#1f77b4"/></svg>`;
}
