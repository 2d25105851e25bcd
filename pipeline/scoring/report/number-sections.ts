import type { Agreement, NumberScore } from '../number-metrics.ts';
import { scoreDigits } from '../../../contract/score-digits.ts';

/** The side of the picture, and the room about it for what its sides say. */
const SIDE = 320;
const ROOM = 30;

/** What a report shows of predicted numbers beyond the table of their scores, as HTML. */
export function numberSections({ rmse, rmse_low, rmse_high, agreement }: NumberScore): string[] {
  const interval =
    rmse_low === undefined || rmse_high === undefined
      ? ''
      : `, 95 % interval ${scoreDigits(rmse_low)} to ${scoreDigits(rmse_high)}`;
  return [
    `<p>Root mean squared error ${scoreDigits(rmse)}${interval}, in the unit of the target.</p>`,
    `<h2>Predicted against actual</h2>`,
    picture(agreement),
    '<p>Rows on the line are predicted as they are; the darker a square, the more rows.</p>',
  ];
}

function picture({ edges, matrix }: Agreement): string {
  const most = Math.max(1, ...matrix.flat());
  const step = SIDE / matrix.length;
  const squares = matrix.flatMap((line, actual) =>
    line.flatMap((count, predicted) => {
      if (count === 0) return [];
      const x = (ROOM + step * actual).toFixed(1);
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
    `<svg width="${SIDE + ROOM + 10}" height="${SIDE + ROOM}" role="img" aria-label="predicted against actual numbers">`,
    `<rect x="${ROOM}" width="${SIDE}" height="${SIDE}" fill="none" stroke="#ddd"/>`,
    ...squares,
    `<line x1="${ROOM}" y1="${SIDE}" x2="${SIDE + ROOM}" y2="0" stroke="#999" stroke-dasharray="4"/>`,
    `<text x="${ROOM}" y="${foot}" font-size="12">${low}</text>`,
    `<text x="${ROOM + SIDE / 2}" y="${foot}" font-size="12" text-anchor="middle">actual →</text>`,
    `<text x="${ROOM + SIDE}" y="${foot}" font-size="12" text-anchor="end">${high}</text>`,
    `<text x="20" y="${SIDE / 2}" font-size="12" text-anchor="middle" transform="rotate(-90 20 ${SIDE / 2})">predicted →</text>`,
    '</svg>',
  ].join('');
}
