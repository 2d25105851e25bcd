import {
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  type LabelValues,
  Registry,
} from 'prom-client';
import type { Canary } from '../canary.ts';
import type { FollowedModel } from '../followed-model.ts';
import type { LoadedModel } from '../load-model.ts';
import type { RequestLog } from '../request-log.ts';
import type { Shadow } from '../shadow.ts';

/** The models of a server, and the log of its requests. */
export interface Serving {
  readonly model: FollowedModel;
  readonly canary?: Canary | undefined;
  readonly shadow?: Shadow | undefined;
  readonly log?: RequestLog | undefined;
}

/** What a model of the server does. */
export type Role = 'model' | 'canary' | 'shadow';

/** What the server counts, in the format of Prometheus. */
export interface Metrics {
  readonly registry: Registry;
  /** Requests for predictions, by status. */
  readonly requests: Counter<'status'>;
  /** Seconds from the first byte of such a request to the last one of its answer. */
  readonly seconds: Histogram;
  readonly rows: Counter<'role'>;
}

/** @param countRunning the requests for predictions that are being answered */
export function openMetrics(serving: Serving, countRunning: () => number): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  addKept(
    registry,
    Gauge,
    'retrain_requests_running',
    'Requests for predictions that are being answered',
    countRunning,
  );
  addModels(registry, serving);
  if (serving.canary !== undefined) addCanary(registry, serving.canary);
  if (serving.shadow !== undefined) addShadow(registry, serving.shadow);
  if (serving.log !== undefined) addLog(registry, serving.log);
  return {
    registry,
    requests: new Counter({
      name: 'retrain_requests_total',
      help: 'Requests for predictions, by the status of the answer',
      labelNames: ['status'],
      registers,
    }),
    seconds: new Histogram({
      name: 'retrain_request_seconds',
      help: 'Seconds of a request for predictions, until its answer is sent',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    rows: new Counter({
      name: 'retrain_rows_total',
      help: 'Rows that were answered, by the model that has answered',
      labelNames: ['role'],
      registers,
    }),
  };
}

type AnyModel = FollowedModel<LoadedModel | undefined>;

function addModels(registry: Registry, { model, canary, shadow }: Serving): void {
  const followed: [Role, AnyModel][] = [['model', model]];
  if (canary !== undefined) followed.push(['canary', canary.model]);
  if (shadow !== undefined) followed.push(['shadow', shadow.model]);
  addKept(
    registry,
    Gauge,
    'retrain_model_info',
    'The models that are loaded, with the value 1',
    () =>
      followed.flatMap(([role, { current }]) => {
        if (current === undefined) return [];
        const { pipeline, version, seq: build } = current;
        return [[{ role, pipeline, version, build }, 1] as const];
      }),
    ['role', 'pipeline', 'version', 'build'],
  );
  const byRole = (value: (one: AnyModel) => number | undefined) => () =>
    followed.flatMap(([role, one]) => {
      const known = value(one);
      return known === undefined ? [] : [[{ role }, known] as const];
    });
  const labelNames = ['role'];
  addKept(
    registry,
    Gauge,
    'retrain_model_is_newest',
    '1 if the newest model is in use, 0 if it was not loaded or the bucket was not read',
    byRole(({ problem }) => (problem === undefined ? 1 : 0)),
    labelNames,
  );
  addKept(
    registry,
    Gauge,
    'retrain_model_checked_timestamp_seconds',
    'When the bucket last said which model is the newest',
    byRole(({ checkedAt }) => checkedAt && checkedAt.getTime() / 1_000),
    labelNames,
  );
  addKept(
    registry,
    Counter,
    'retrain_model_switches_total',
    'How often a newer model has replaced one',
    byRole(({ switches }) => switches),
    labelNames,
  );
}

function addCanary(registry: Registry, canary: Canary): void {
  addKept(
    registry,
    Counter,
    'retrain_canary_rows_failed_total',
    'Rows of the canary that it could not answer, and that the model has answered',
    () => canary.failed,
  );
  addKept(
    registry,
    Counter,
    'retrain_canary_rows_without_key_total',
    'Rows that lack the key of the canary, and that the model has answered',
    () => canary.withoutKey,
  );
}

function addShadow(registry: Registry, shadow: Shadow): void {
  addKept(
    registry,
    Counter,
    'retrain_shadow_rows_total',
    'Rows that the shadow was to score, by the result: alike, different, failed or skipped',
    () => Object.entries(shadow.rows).map(([result, rows]) => [{ result }, rows] as const),
    ['result'],
  );
  addKept(
    registry,
    Counter,
    'retrain_predictions_total',
    'Predictions of classes that were compared, by the model that made them',
    () =>
      Object.entries(shadow.classes).flatMap(([role, counts]) =>
        Array.from(counts, ([name, rows]) => [{ role, class: name }, rows] as const),
      ),
    ['role', 'class'],
  );
  registry.registerMetric(shadow.numbers);
  registry.registerMetric(shadow.differences);
}

function addLog(registry: Registry, log: RequestLog): void {
  addKept(registry, Counter, 'retrain_log_rows_total', 'Rows in the log', () => log.written.rows);
  addKept(
    registry,
    Counter,
    'retrain_log_files_total',
    'Files of the log',
    () => log.written.files,
  );
  addKept(
    registry,
    Counter,
    'retrain_log_bytes_total',
    'Bytes of the log',
    () => log.written.bytes,
  );
  addKept(
    registry,
    Counter,
    'retrain_log_rows_dropped_total',
    'Sampled rows that were dropped, because the log is full or the bucket does not answer',
    () => log.dropped,
  );
  addKept(
    registry,
    Gauge,
    'retrain_log_waiting_bytes',
    'Bytes of the log that wait in memory',
    () => log.waiting,
  );
}

/** A value, or values by their labels. */
type Kept = number | readonly (readonly [labels: LabelValues<string>, value: number])[];

/**
 * Adds a metric whose values another object keeps.
 * @param read is called when the registry is read, because prom-client is slow for each row
 */
function addKept(
  registry: Registry,
  Metric: typeof Counter | typeof Gauge,
  name: string,
  help: string,
  read: () => Kept,
  labelNames: string[] = [],
): void {
  const metric: Counter | Gauge = new Metric({
    name,
    help,
    labelNames,
    registers: [registry],
    collect: () => {
      metric.reset();
      const kept = read();
      if (typeof kept === 'number') metric.inc(kept);
      else for (const [labels, value] of kept) metric.inc(labels, value);
    },
  });
}
