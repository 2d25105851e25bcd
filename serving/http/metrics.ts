import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
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
  const running: Gauge = new Gauge({
    name: 'retrain_requests_running',
    help: 'Requests for predictions that are being answered',
    registers,
    collect: () => running.set(countRunning()),
  });
  addModels(registry, serving);
  if (serving.canary !== undefined) addCanary(registry, serving.canary);
  for (const metric of serving.shadow?.openMetrics() ?? []) registry.registerMetric(metric);
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
  const registers = [registry];
  const info = new Gauge({
    name: 'retrain_model_info',
    help: 'The models that are loaded, with the value 1',
    labelNames: ['role', 'pipeline', 'version', 'build'],
    registers,
    collect: () => {
      info.reset();
      for (const [role, { current }] of followed)
        if (current !== undefined)
          info.set(
            {
              role,
              pipeline: current.pipeline,
              version: current.version,
              build: current.seq,
            },
            1,
          );
    },
  });
  const gauges: Record<string, [help: string, value: (one: AnyModel) => number | undefined]> = {
    retrain_model_is_newest: [
      '1 if the newest model is in use, 0 if it was not loaded or the store was not read',
      ({ problem }) => (problem === undefined ? 1 : 0),
    ],
    retrain_model_checked_timestamp_seconds: [
      'When the store last said which model is the newest',
      ({ checkedAt }) => checkedAt && checkedAt.getTime() / 1_000,
    ],
  };
  for (const [name, [help, value]] of Object.entries(gauges)) {
    const gauge: Gauge<'role'> = new Gauge({
      name,
      help,
      labelNames: ['role'],
      registers,
      collect: () => {
        for (const [role, one] of followed) {
          const known = value(one);
          if (known !== undefined) gauge.set({ role }, known);
        }
      },
    });
  }
  const switches = new Counter({
    name: 'retrain_model_switches_total',
    help: 'How often a newer model has replaced one',
    labelNames: ['role'],
    registers,
    collect: () => {
      switches.reset();
      for (const [role, one] of followed) switches.inc({ role }, one.switches);
    },
  });
}

function addCanary(registry: Registry, canary: Canary): void {
  addCounter(
    registry,
    'retrain_canary_rows_failed_total',
    'Rows of the canary that it could not answer, and that the model has answered',
    () => canary.failed,
  );
  addCounter(
    registry,
    'retrain_canary_rows_without_key_total',
    'Rows that lack the key of the canary, and that the model has answered',
    () => canary.withoutKey,
  );
}

function addLog(registry: Registry, log: RequestLog): void {
  addCounter(registry, 'retrain_log_rows_total', 'Rows in the log', () => log.written.rows);
  addCounter(registry, 'retrain_log_files_total', 'Files of the log', () => log.written.files);
  addCounter(registry, 'retrain_log_bytes_total', 'Bytes of the log', () => log.written.bytes);
  addCounter(
    registry,
    'retrain_log_rows_dropped_total',
    'Sampled rows that were dropped, because the log is full or the store is away',
    () => log.dropped,
  );
  const waiting: Gauge = new Gauge({
    name: 'retrain_log_waiting_bytes',
    help: 'Bytes of the log that wait in memory',
    registers: [registry],
    collect: () => waiting.set(log.waiting),
  });
}

/** Adds a counter whose value another object keeps. */
function addCounter(registry: Registry, name: string, help: string, value: () => number): void {
  const counter: Counter = new Counter({
    name,
    help,
    registers: [registry],
    collect: () => {
      counter.reset();
      counter.inc(value());
    },
  });
}
