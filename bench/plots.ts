import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LargeCosts } from './baseline/large.ts';
import { type Chart, drawChart, type Line } from './chart.ts';
import type { Cell, Fitter, Kind } from './train-cell.ts';

/** The charts of each benchmark, by file name. A benchmark that is not listed has no plots. */
const charts: Record<string, (measured: never) => Record<string, Chart>> = {
  train: trainCharts,
  predict: predictCharts,
  baseline: baselineCharts,
};

/** Draws the measurements of a benchmark into `bench/plots/<name>.svg`. */
export function drawPlots(name: string, measured: unknown): void {
  const folder = fileURLToPath(new URL('./plots/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  for (const [file, chart] of Object.entries(charts[name]?.(measured as never) ?? {})) {
    const lines = chart.lines.filter(({ points }) => points.length > 0);
    if (lines.length > 0) writeFileSync(`${folder}${file}.svg`, drawChart({ ...chart, lines }));
  }
}

const FITTER_NAMES: Record<Fitter, string> = {
  one: 'ours, 1 thread',
  two: 'ours, 2 threads',
  sklearn: 'scikit-learn',
  ml_cart: 'ml-cart',
};

function trainCharts({ cells }: { cells: readonly Cell[] }): Record<string, Chart> {
  const widths = [...new Set(cells.map(({ width }) => width))];
  const lineOf = (kind: Kind, width: number, fitter: Fitter): Line => ({
    name: FITTER_NAMES[fitter],
    points: cells.flatMap((cell) => {
      const fitted = cell[fitter];
      if (cell.kind !== kind || cell.width !== width || fitted === null) return [];
      return [[cell.rows, fitted.wall]];
    }),
  });
  return Object.fromEntries(
    (['classes', 'numbers'] as const).flatMap((kind) =>
      widths.map((width): [string, Chart] => [
        `train-${kind}-${width}`,
        {
          title: `Fitting a tree of ${kind} over ${width} columns to its end`,
          x: 'rows',
          y: 'seconds on the wall',
          lines: (Object.keys(FITTER_NAMES) as Fitter[]).map((f) => lineOf(kind, width, f)),
        },
      ]),
    ),
  );
}

interface Predicted {
  readonly leaves: number;
  readonly ours: number;
  readonly sklearn: number;
  readonly ml_cart: number;
}

function predictCharts({ measured }: { measured: readonly Predicted[] }): Record<string, Chart> {
  const names = { ours: 'ours', sklearn: 'scikit-learn', ml_cart: 'ml-cart' } as const;
  const lines = Object.entries(names).map(([key, name]): Line => ({
    name,
    points: measured.map((one) => [one.leaves, one[key as keyof typeof names]]),
  }));
  return {
    predict: { title: 'Rows predicted a second', x: 'leaves', y: 'rows a processor second', lines },
  };
}

function baselineCharts({ large }: { large: LargeCosts }): Record<string, Chart> {
  const sides = { scripts: 'scripts, DVC, MLflow', ours: 'ours' } as const;
  const chartOf = (title: string, y: string, of: (cost: LargeCosts[number]['ours']) => number) => ({
    title,
    x: 'version (batches of 5 000 rows so far)',
    y,
    lines: Object.entries(sides).map(([side, name]): Line => ({
      name,
      points: Object.entries(large).map(([version, costs]) => [
        Number(version),
        of(costs[side as keyof typeof sides]),
      ]),
    })),
  });
  return {
    'batch-seconds': chartOf('A whole batch', 'seconds', ({ ms }) => ms / 1000),
    'batch-stored': chartOf('Sent to S3 for a batch', 'MB', ({ up }) => up / 1e6),
    'batch-moved': chartOf('Moved to and from S3', 'MB', ({ up, down }) => (up + down) / 1e6),
  };
}
