import { metricSetOf } from '../contract/metric-sets.ts';
import { scoreDigits } from '../contract/score-digits.ts';
import { onStderr } from './colour.ts';
import { number, table } from './display.ts';
import type { ResultDocument } from './result.ts';
import { originLines } from './why/origin.ts';

/** A sentence for the person, on stderr. */
export function say(text: string, kind: 'note' | 'warning' | 'error' = 'note'): void {
  const marks = { note: '', warning: onStderr.yellow('warning: '), error: onStderr.red('error: ') };
  process.stderr.write(`${marks[kind]}${text}\n`);
}

/** Exactly one JSON document on stdout. */
export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

/** A finished run: its scores, where to look further, and what was odd. */
export function printResult(document: ResultDocument): void {
  const out = process.stdout;
  for (const warning of document.warnings) say(warning, 'warning');
  for (const { path } of document.healed)
    say(`${path} was missing or damaged in the store and has been made again`, 'warning');
  if (document.metrics !== null) out.write(`\n${metricsTable(document.metrics)}\n`);
  const data = document.stages.find(({ stage }) => stage === 'get_data')?.made ?? '';
  if (data.includes('new rows')) out.write(`\ndata      ${data} since the look before\n`);
  const { mlflow, links } = document;
  const origins = originLines(document.stages, document.runId);
  if (origins.length > 0) out.write(`\n${origins.join('\n')}\n`);
  out.write('\n');
  if (mlflow?.modelVersion != null)
    out.write(`model     ${mlflow.modelName} version ${mlflow.modelVersion}\n`);
  out.write(`Temporal  ${links.temporal}\n`);
  if (links.mlflow !== null) out.write(`MLflow    ${links.mlflow}\n`);
  if (mlflow?.look != null) out.write(`          ${mlflow.look}\n`);
}

/** Scores on the test rows of everything so far beside those on the new batch alone. */
export function metricsTable(metrics: NonNullable<ResultDocument['metrics']>): string {
  const { shares } = metricSetOf(metrics);
  const newBatch = metrics['new_batch'] as Record<string, unknown> | undefined;
  const rows = scoreNames(metrics).flatMap((name) => {
    const whole = metrics[name];
    const alone = newBatch?.[name];
    if (typeof whole !== 'number') return [];
    const [low, high] = [metrics[`${name}_low`], metrics[`${name}_high`]];
    const interval = intervalOf(low, high, shares ? (of) => of.toFixed(2) : scoreDigits);
    return [[name, scoreText(name, whole), interval, scoreText(name, alone)]];
  });
  return table(['metric', 'all batches', '95 %', 'new batch'], rows);
}

/** A metric as tables show it: one that counts rows as a whole number, for a count of 1 is no share. */
export function scoreText(name: string, value: unknown): string {
  if (typeof value !== 'number') return number(undefined);
  return name.endsWith('_rows') ? String(value) : number(value);
}

/** The metrics a person looks at first, in their order, of those there are. */
export function scoreNames(metrics: Readonly<Record<string, unknown>>): string[] {
  return [...metricSetOf(metrics).shown.filter((name) => name in metrics), 'test_rows'];
}

function intervalOf(low: unknown, high: unknown, text: (value: number) => string): string {
  if (typeof low !== 'number' || typeof high !== 'number') return '';
  return `${text(low)}–${text(high)}`;
}
