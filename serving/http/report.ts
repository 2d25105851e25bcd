import type { FollowedModel } from '../followed-model.ts';
import type { LoadedModel } from '../load-model.ts';
import type { Comparison } from '../shadow.ts';
import type { Metrics, Role, Serving } from './metrics.ts';

interface ModelState {
  /** What was asked for, such as `latest`. */
  model: string;
  /** Null until one is loaded. */
  version: number | null;
  build: number | null;
  /** Null until the store has said which model is the newest. */
  checked_at: string | null;
  problem: string | null;
}

interface CanaryState extends ModelState {
  /** Rows that it has answered. */
  rows: number;
  share: number;
  key: string | null;
  rows_failed: number;
  rows_without_key: number;
}

interface ShadowReport extends ModelState {
  /** What was compared with the model; null before the first row. */
  comparison:
    | (Omit<Comparison, 'since' | 'distributions' | 'differing' | 'meanDifference'> & {
        since: string;
        /** The share of compared rows in which both agree; null before the first one. */
        agreement: number | null;
        distributions: NonNullable<Comparison['distributions']> | null;
        differing: NonNullable<Comparison['differing']> | null;
        mean_difference: number | null;
      })
    | null;
}

interface LogState {
  share: number;
  /** Rows in files. */
  rows: number;
  /** Rows that wait in memory for their file, which is written at most a minute after its first row. */
  rows_waiting: number;
  rows_dropped: number;
  files: number;
  bytes: number;
  problem: string | null;
}

/** What `GET /report` answers. */
export interface ServingReport extends ModelState {
  pipeline: string;
  /** Rows that the model has answered. */
  rows: number;
  canary: CanaryState | null;
  shadow: ShadowReport | null;
  log: LogState | null;
}

/** Describes which models are in use, and why no newer ones. */
export function describeHealth({ model, canary, shadow, log }: Serving): object {
  const { pipeline, problem } = model;
  return {
    status: problem === undefined ? 'ok' : 'degraded',
    pipeline,
    ...describeModel(model),
    ...(canary === undefined ? {} : { canary: describeModel(canary.model, canary.problem) }),
    ...(shadow === undefined ? {} : { shadow: describeModel(shadow.model, shadow.problem) }),
    ...(log === undefined ? {} : { log: { problem: log.problem ?? null } }),
  };
}

/** Describes what the canary and the shadow do beside the model. */
export async function describeReport(
  { model, canary, shadow, log }: Serving,
  metrics: Pick<Metrics, 'rows'>,
): Promise<ServingReport> {
  const { values } = await metrics.rows.get();
  const countRows = (role: Role): number =>
    values.find(({ labels }) => labels.role === role)?.value ?? 0;
  return {
    pipeline: model.pipeline,
    ...describeModel(model),
    rows: countRows('model'),
    canary:
      canary === undefined
        ? null
        : {
            ...describeModel(canary.model, canary.problem),
            share: canary.share,
            key: canary.key ?? null,
            rows: countRows('canary'),
            rows_failed: canary.failed,
            rows_without_key: canary.withoutKey,
          },
    shadow:
      shadow === undefined
        ? null
        : {
            ...describeModel(shadow.model, shadow.problem),
            comparison: describeComparison(await shadow.describe()),
          },
    log:
      log === undefined
        ? null
        : {
            share: log.options.share,
            rows: log.written.rows,
            rows_waiting: log.waitingRows,
            rows_dropped: log.dropped,
            files: log.written.files,
            bytes: log.written.bytes,
            problem: log.problem ?? null,
          },
  };
}

function describeModel(
  { name, current, checkedAt, problem: own }: FollowedModel<LoadedModel | undefined>,
  problem = own,
): ModelState {
  return {
    model: String(name),
    version: current?.version ?? null,
    build: current?.seq ?? null,
    checked_at: checkedAt?.toISOString() ?? null,
    problem: problem ?? null,
  };
}

function describeComparison(comparison: Comparison | undefined): ShadowReport['comparison'] {
  if (comparison === undefined) return null;
  const { since, rows, distributions, differing, meanDifference } = comparison;
  const compared = rows.alike + rows.different;
  return {
    since: since.toISOString(),
    rows,
    agreement: compared === 0 ? null : rows.alike / compared,
    distributions: distributions ?? null,
    differing: differing ?? null,
    mean_difference: meanDifference ?? null,
  };
}
