import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { FollowedModel } from '../followed-model.ts';

/** What the server counts, in the format of Prometheus. */
export interface Metrics {
  readonly registry: Registry;
  /** Requests for predictions, by status. */
  readonly requests: Counter<'status'>;
  /** Seconds from the first byte of such a request to the last one of its answer. */
  readonly seconds: Histogram;
  readonly rows: Counter;
}

/** @param countRunning the requests for predictions that are being answered */
export function openMetrics(model: FollowedModel, countRunning: () => number): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauges: Record<string, [help: string, value: () => number]> = {
    retrain_requests_running: ['Requests for predictions that are being answered', countRunning],
    retrain_model_is_newest: [
      '1 if the newest model answers, 0 if it was not loaded or the store was not read',
      () => (model.problem === undefined ? 1 : 0),
    ],
    retrain_model_checked_timestamp_seconds: [
      'When the store last said which model is the newest',
      () => model.checkedAt.getTime() / 1_000,
    ],
  };
  for (const [name, [help, value]] of Object.entries(gauges)) {
    const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(value()) });
  }
  const info = new Gauge({
    name: 'retrain_model_info',
    help: 'The model that answers, with the value 1',
    labelNames: ['pipeline', 'version', 'build'],
    registers,
    collect: () => {
      const { pipeline, version, build } = model.current;
      info.reset();
      info.set({ pipeline, version, build }, 1);
    },
  });
  const switches = new Counter({
    name: 'retrain_model_switches_total',
    help: 'How often a newer model has replaced one',
    registers,
    collect: () => {
      switches.reset();
      switches.inc(model.switches);
    },
  });
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
      help: 'Rows that were answered',
      registers,
    }),
  };
}
