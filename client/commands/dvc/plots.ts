import { z } from 'zod';
import type { DvcPlot } from '../../../store/dvc/pipeline.ts';
import type { MetricsFile } from '../../../store/metrics-file.ts';

const TEMPLATE = 'confusion_rows';
const AGREEMENT = 'agreement_rows';

const classesSchema = z.record(z.string(), z.looseObject({ f1: z.number() }));
const matrixSchema = z.object({
  labels: z.array(z.string()),
  matrix: z.array(z.array(z.number())),
});

const agreementSchema = z.object({
  edges: z.array(z.number()),
  matrix: z.array(z.array(z.number())),
});

/** A plot, and the files it is drawn from, by path. */
interface Drawn {
  plot: DvcPlot;
  files: Record<string, string>;
}

/** The plots of a version: those whose numbers are in its metrics file. */
export function makePlots(metrics: MetricsFile): Drawn[] {
  const classes = classesSchema.safeParse(metrics['classes']);
  const confusion = matrixSchema.safeParse(metrics['confusion_matrix']);
  const agreement = agreementSchema.safeParse(metrics['agreement']);
  return [
    ...(classes.success ? [plotScores(classes.data)] : []),
    ...(confusion.success ? [plotConfusion(confusion.data)] : []),
    ...(agreement.success ? [plotAgreement(agreement.data)] : []),
  ];
}

function plotScores(classes: z.infer<typeof classesSchema>): Drawn {
  const path = 'plots/classes.json';
  const title = 'F1 of each class, on the test rows of all batches';
  const plot = { path, title, template: 'bar_horizontal', x: 'f1', y: 'class' };
  const rows = Object.entries(classes).map(([name, scores]) => ({ class: name, ...scores }));
  return { plot, files: { [path]: writeRows(rows) } };
}

function plotConfusion({ labels, matrix }: z.infer<typeof matrixSchema>): Drawn {
  const path = 'plots/confusion.json';
  const rows = matrix.flatMap((line, i) =>
    line.map((count, j) => ({ actual: labels[i], predicted: labels[j], rows: count })),
  );
  const title = 'Confusion matrix, on the test rows of all batches';
  return {
    plot: { path, title, template: TEMPLATE, x: 'predicted', y: 'actual' },
    files: {
      [path]: writeRows(rows),
      [`.dvc/plots/${TEMPLATE}.json`]: `${JSON.stringify(confusionTemplate, null, 2)}\n`,
    },
  };
}

/** Squares for a regression: each has a bin of actual values, a bin of predicted values, and the count of its rows. */
function plotAgreement({ edges, matrix }: z.infer<typeof agreementSchema>): Drawn {
  const path = 'plots/agreement.json';
  const rows = matrix.flatMap((line, i) =>
    line.flatMap((count, j) => {
      const [actual, actual_to, predicted, predicted_to] = [i, i + 1, j, j + 1].map(
        (edge) => edges[edge],
      );
      return count === 0 ? [] : [{ actual, actual_to, predicted, predicted_to, rows: count }];
    }),
  );
  const title = 'Predicted against actual, on the test rows of all batches';
  return {
    plot: { path, title, template: AGREEMENT, x: 'actual', y: 'predicted' },
    files: {
      [path]: writeRows(rows),
      [`.dvc/plots/${AGREEMENT}.json`]: `${JSON.stringify(agreementTemplate, null, 2)}\n`,
    },
  };
}

/** JSON with one row on each line, so that git shows which rows differ. */
function writeRows(rows: readonly unknown[]): string {
  return `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`;
}

/**
 * A template that reads counts. DVC's own `confusion` counts the points of a file, and a file with a point for
 * each test row would grow with the data. DVC fills in the anchors:
 * https://dvc.org/doc/user-guide/experiment-management/visualizing-plots#custom-templates
 */
const confusionTemplate = makeTemplate({
  encoding: {
    x: { field: '<DVC_METRIC_X>', type: 'nominal', title: '<DVC_METRIC_X_LABEL>' },
    y: { field: '<DVC_METRIC_Y>', type: 'nominal', title: '<DVC_METRIC_Y_LABEL>' },
  },
  layer: [
    {
      mark: { type: 'rect', tooltip: true },
      encoding: { color: { field: 'rows', type: 'quantitative', scale: { domainMin: 0 } } },
    },
    {
      mark: { type: 'text', stroke: 'white', strokeWidth: 3, fontSize: 14 },
      encoding: { text: { field: 'rows' } },
    },
    { mark: { type: 'text', fontSize: 14 }, encoding: { text: { field: 'rows' } } },
  ],
});

/** A template that reads counts of squares, because DVC's own templates draw a point for each row. */
const agreementTemplate = makeTemplate({
  mark: { type: 'rect', tooltip: true },
  encoding: {
    x: { field: '<DVC_METRIC_X>', type: 'quantitative', title: '<DVC_METRIC_X_LABEL>' },
    x2: { field: 'actual_to' },
    y: { field: '<DVC_METRIC_Y>', type: 'quantitative', title: '<DVC_METRIC_Y_LABEL>' },
    y2: { field: 'predicted_to' },
    color: { field: 'rows', type: 'quantitative', scale: { domainMin: 0 } },
  },
});

/** A Vega-Lite template that draws `spec` once for each revision. DVC fills in its anchors. */
function makeTemplate(spec: object): object {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    data: { values: '<DVC_METRIC_DATA>' },
    title: '<DVC_METRIC_TITLE>',
    facet: { column: { field: 'rev', type: 'nominal', sort: [], title: null } },
    spec: {
      width: 300,
      height: 300,
      ...spec,
    },
  };
}
