import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

/** A line of a chart: its points by x. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

/** A chart with two logarithmic axes. */
export interface Chart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly Line[];
}

/** The colours of Okabe and Ito, which colour-blind people can tell apart. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

/** A chart as the text of an SVG file: the same bytes for the same points, on a white page. */
export function drawChart({ title, x, y, lines }: Chart): string {
  const { document } = parseHTML('<html></html>');
  const rows = lines.flatMap(({ name, points }) =>
    points.map(([at, value]) => ({ name, at, value })),
  );
  const svg = Plot.plot({
    document: document as never,
    width: 640,
    height: 400,
    marginTop: 64,
    marginRight: 160,
    marginLeft: 64,
    marginBottom: 48,
    style: { background: '#fff', color: '#222', fontSize: '12px' },
    x: {
      type: 'log',
      label: x,
      labelAnchor: 'center',
      labelArrow: 'none',
      nice: true,
      ticks: 5,
      tickFormat: short,
    },
    y: {
      type: 'log',
      label: null,
      nice: true,
      ticks: 5,
      tickFormat: short,
      grid: true,
    },
    color: { domain: lines.map(({ name }) => name), range: COLOURS },
    marks: [
      Plot.line(rows, { x: 'at', y: 'value', stroke: 'name', strokeWidth: 2 }),
      Plot.dot(rows, { x: 'at', y: 'value', fill: 'name' }),
      Plot.text([y], { frameAnchor: 'top-left', dy: -20 }),
      Plot.text([title], { frameAnchor: 'top-left', dy: -48, fontSize: 15, fontWeight: 600 }),
      lines.map(({ name }, i) => [
        Plot.dot([name], { frameAnchor: 'top-right', dx: 20, dy: 12 + 20 * i, fill: [name], r: 5 }),
        Plot.text([name], {
          frameAnchor: 'top-right',
          textAnchor: 'start',
          dx: 32,
          dy: 6 + 20 * i,
        }),
      ]),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}

/** 1 000 as 1 k, 1 000 000 as 1 M. */
function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1000 ? `${value / 1000} k` : String(Number(value.toPrecision(3)));
}
