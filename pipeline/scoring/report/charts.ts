import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { formatScore } from '../../../contract/metric-sets.ts';
import type { Agreement } from '../number-scores.ts';
import { formatCount, type Html } from './page.ts';

/** Colours come from the page, so that a chart follows its colour scheme. */
const [ACCENT, MUTED, LINE, GROUND] = ['var(--accent)', 'var(--muted)', 'var(--line)', 'var(--bg)'];

/** The score of a version in a chart. */
export interface Point {
  version: number;
  score: number;
  low: number | undefined;
  high: number | undefined;
  /** The score on the new batch alone. */
  alone: number | undefined;
}

/** From this number of versions on, a chart has no mark for each. */
const MANY = 40;

/** Draws a score over versions, with its interval, and the score on each new batch. */
export function drawCurve(points: readonly Point[], name: string, now: number): Html {
  const bounded = points.filter(({ low, high }) => low !== undefined && high !== undefined);
  const alone = points.filter((point) => point.alone !== undefined);
  const few = points.length < MANY;
  const versions = points.map(({ version }) => version);
  return finish(
    Plot.plot({
      document: makeDocument(),
      width: 560,
      height: 300,
      marginTop: 34,
      marginLeft: 56,
      marginBottom: 40,
      style: { background: 'none', fontSize: '13px', overflow: 'visible' },
      x: {
        label: 'version',
        labelAnchor: 'center',
        labelArrow: 'none',
        domain: [Math.min(...versions) - 0.5, Math.max(...versions) + 0.5],
        ticks: pickTicks(versions),
        tickFormat: String,
      },
      y: { label: name, labelArrow: 'none', grid: true, nice: true, ticks: 5 },
      marks: [
        few
          ? Plot.ruleX(bounded, {
              x: 'version',
              y1: 'low',
              y2: 'high',
              stroke: MUTED,
              strokeWidth: 2,
            })
          : Plot.areaY(bounded, { x: 'version', y1: 'low', y2: 'high', fill: LINE }),
        ...(few
          ? [
              Plot.dot(alone, {
                x: 'version',
                y: 'alone',
                stroke: MUTED,
                fill: GROUND,
                r: 4,
                symbol: 'square',
              }),
            ]
          : []),
        Plot.lineY(points, { x: 'version', y: 'score', stroke: ACCENT, strokeWidth: 2 }),
        Plot.dot(few ? points : points.filter(({ version }) => version === now), {
          x: 'version',
          y: 'score',
          fill: ACCENT,
          r: (point: Point) => (point.version === now ? 7 : 4),
          title: (point: Point) => `version ${point.version}: ${formatScore(point.score)}`,
        }),
      ],
      r: { type: 'identity' },
    }),
    `${name} of versions ${versions[0]} to ${versions.at(-1)}`,
  );
}

/** Whole numbers, at most about twelve of them. */
function pickTicks(versions: readonly number[]): number[] {
  const step = Math.ceil(versions.length / 12);
  return versions.filter((_, i) => i % step === 0);
}

/** Draws how often which number was predicted for which actual number. */
export function drawAgreement({ edges, matrix }: Agreement): Html {
  const most = Math.max(1, ...matrix.flat());
  const squares = matrix.flatMap((line, actual) =>
    line.flatMap((count, predicted) =>
      count === 0
        ? []
        : [
            {
              x1: edges[actual]!,
              x2: edges[actual + 1]!,
              y1: edges[predicted]!,
              y2: edges[predicted + 1]!,
              depth: 0.2 + (0.8 * count) / most,
              count,
            },
          ],
    ),
  );
  const [low, high] = [edges[0]!, edges.at(-1)!];
  const axis = {
    domain: [low, high],
    labelAnchor: 'center',
    labelArrow: 'none',
    ticks: 5,
  } as const;
  return finish(
    Plot.plot({
      document: makeDocument(),
      width: 440,
      height: 420,
      marginLeft: 64,
      marginBottom: 44,
      style: { background: 'none', fontSize: '13px', overflow: 'visible' },
      x: { ...axis, label: 'actual' },
      y: { ...axis, label: 'predicted' },
      marks: [
        Plot.frame({ stroke: LINE }),
        Plot.rect(squares, {
          x1: 'x1',
          x2: 'x2',
          y1: 'y1',
          y2: 'y2',
          fill: ACCENT,
          fillOpacity: 'depth',
          title: ({ count }: { count: number }) => `${formatCount(count)} rows`,
        }),
        Plot.line(
          [
            [low, low],
            [high, high],
          ],
          { stroke: MUTED, strokeDasharray: '5 4' },
        ),
      ],
      opacity: { type: 'identity' },
    }),
    'Predicted against actual numbers of the test rows',
  );
}

function makeDocument(): never {
  // Our types do not know a browser's document.
  return parseHTML('<html></html>').document as never;
}

/** Gives a chart a title for readers who do not see it, and returns its text. */
function finish(chart: ReturnType<typeof Plot.plot>, title: string): Html {
  const heading = chart.ownerDocument.createElement('title');
  heading.textContent = title;
  chart.prepend(heading);
  chart.setAttribute('role', 'img');
  return chart.outerHTML;
}
