import { RETRAIN } from '../contract/command.ts';
import { makeTemporalLink } from '../contract/links.ts';
import { DamagedArtifact } from '../contract/failures.ts';
import {
  describeKnownRows,
  describeLeftOut,
  findCompared,
  findOtherChampion,
  nameCompared,
  pickFacts,
} from '../contract/comparisons.ts';
import {
  compareScore,
  findMetricSet,
  formatChange,
  formatScoreInterval,
} from '../contract/metric-sets.ts';
import type { Ref } from '../contract/ref.ts';
import type { RunSummary } from '../contract/train-batch.ts';
import type { GateDecision, PromotionOutcome } from '../contract/promotion.ts';
import type { Comparison, StageName } from '../contract/stages.ts';
import { formatTrialParams, type TrialParams } from '../contract/trials.ts';
import { nameBuild } from '../contract/versions.ts';
import { type MetricsFile, readMetrics } from '../store/metrics-file.ts';
import type { VersionRecord } from '../store/version-record.ts';
import { describeOutcome } from './champion.ts';
import { listShownMetrics, formatMetric, formatTable } from './format.ts';
import { print, printFact, printLink, printModel, say } from './print.ts';
import type { Session } from './session.ts';
import { type Origin, describeOrigins, findOrigin } from './origin.ts';

/** The result document of a run. Other tools rely on its shape. */
export interface ResultDocument {
  pipeline: string;
  batch: number;
  status: 'completed';
  workflowId: string;
  runId: string;
  params: unknown;
  /** The recorded build; null for a run that stopped before its end. */
  build: number | null;
  /** For a trial, whose build is not published: the params in which it differs. */
  trial: TrialParams | null;
  /** The scores of the published build before it on the same test rows, and how this one differs. */
  comparisons: Comparison[];
  /** What the gate says of the build; null for a run that stopped before it. */
  decision: GateDecision | null;
  /** Whether the build became the champion; null if the run published nothing. */
  promotion: PromotionOutcome | null;
  /** All numbers of the metrics file, nested as there; null for a run that stopped before evaluate. */
  metrics: MetricsFile | null;
  confusionMatrix: unknown;
  stages: (Origin & {
    stage: StageName;
    cached: boolean;
    durationMs: number;
    /** Its result in a few words. */
    made: string | null;
    inputs: Ref[];
    outputs: Ref[];
  })[];
  mlflow: {
    trackingUri: string;
    experimentId: string;
    runId: string;
    url: string;
    /** The command that shows the runs of a tracking directory; null for a server. */
    look: string | null;
    modelName: string;
    /** Null for runs tracked in a directory: nothing is registered there. */
    modelVersion: string | null;
  } | null;
  links: { temporal: string; mlflow: string | null };
  warnings: string[];
  /** Objects that were missing or damaged, and were made again. */
  healed: RunSummary['healed'];
}

/** Builds the document from the result of the workflow and from the store. */
export async function buildResult(
  session: Session,
  { workflowId, runId }: { workflowId: string; runId: string },
  summary: RunSummary,
): Promise<{ document: ResultDocument; metricsFile: Uint8Array | null }> {
  const { previous, warnings } = await readPrevious(session, summary, runId);
  const stages = await Promise.all(
    summary.stages.map(async ({ stage, key, state, durationMs, made }) => {
      const entry = key === undefined ? undefined : await session.store.cache.read(stage, key);
      const cached = state === 'cached';
      return {
        stage,
        cached,
        ...(entry === undefined
          ? { cachedFrom: null, because: [] }
          : findOrigin(entry, { cached, previous })),
        durationMs: durationMs ?? 0,
        made: made ?? null,
        inputs: Object.values(entry?.inputs ?? {}),
        outputs: Object.values(entry?.outputs ?? {}),
      };
    }),
  );
  const scored = stages.find(({ stage }) => stage === 'evaluate')?.outputs[0];
  const metricsFile = scored === undefined ? null : await session.store.artifacts.get(scored);
  const { confusion_matrix: confusionMatrix = null, ...metrics } =
    metricsFile === null ? {} : readMetrics(metricsFile, scored!);
  const { tracker } = session;
  const tracked = summary.mlflow;
  const at = tracked?.trackingUri ?? tracker.uri;
  const mlflow =
    tracked === null
      ? null
      : {
          // The values that the run reports come first, because its worker may use another server than this client.
          trackingUri: at,
          experimentId: tracked.experimentId,
          runId: tracked.runId,
          url: tracked.links?.run ?? tracker.makeRunUrl(tracked.experimentId, tracked.runId),
          look: at === tracker.uri ? tracker.look : null,
          modelName: tracked.modelName,
          modelVersion: tracked.modelVersion,
        };
  const document: ResultDocument = {
    pipeline: summary.pipeline,
    batch: summary.batch,
    status: 'completed',
    workflowId,
    runId,
    params: summary.params,
    build: summary.version?.seq ?? null,
    trial: summary.version?.trial ?? null,
    comparisons: summary.comparisons ?? [],
    decision: summary.decision ?? null,
    promotion: summary.promotion ?? null,
    metrics: metricsFile === null ? null : metrics,
    confusionMatrix,
    stages,
    mlflow,
    links: { temporal: linkRun(session, { workflowId, runId }), mlflow: mlflow?.url ?? null },
    warnings: [...summary.warnings, ...warnings],
    healed: summary.healed,
  };
  return { document, metricsFile };
}

/**
 * Reads the build with which a run is compared: the build before its own, the build that it found if it made none, or the
 * latest one if it published nothing. If its record is damaged, the run is not compared.
 */
async function readPrevious(
  { store: { records } }: Session,
  { pipeline, batch, version }: RunSummary,
  runId: string,
): Promise<{ previous: VersionRecord | undefined; warnings: string[] }> {
  try {
    if (version === null)
      return { previous: await records.readLatest(pipeline, batch), warnings: [] };
    const { seq } = version;
    const own = await records.read(pipeline, batch, seq);
    const isNew = own === undefined || own.workflow.run_id === runId;
    return {
      previous: isNew ? await records.read(pipeline, batch, seq - 1) : own,
      warnings: [],
    };
  } catch (error) {
    if (!(error instanceof DamagedArtifact)) throw error;
    return {
      previous: undefined,
      warnings: [`the run is compared with no earlier build: ${error.message}`],
    };
  }
}

/** The address of a run's page in Temporal's Web UI. */
export function linkRun(
  { config, namespace }: Pick<Session, 'config' | 'namespace'>,
  run: { workflowId: string; runId: string },
): string {
  return makeTemporalLink({ webUi: config.temporalUi, namespace }, run);
}

/** Prints a finished run: its warnings, its scores, and links. */
export function printResult(document: ResultDocument): void {
  for (const warning of document.warnings) say(warning, 'warning');
  for (const { path } of document.healed)
    say(`${path} was missing or damaged in the bucket, and was made again`, 'warning');
  if (document.metrics !== null)
    print(`\n${formatScores(document.metrics, document.comparisons, document.batch)}`);
  const data = document.stages.find(({ stage }) => stage === 'get_data')?.made ?? '';
  if (data.includes('new rows')) {
    print('');
    printFact('data', `${data} since the last look`);
  }
  const { mlflow, links } = document;
  const origins = describeOrigins(document.stages, document.runId);
  if (origins.length > 0) print(`\n${origins.join('\n')}`);
  print('');
  if (document.trial !== null)
    printFact(
      'trial',
      `build ${document.batch}.${document.build} with ${formatTrialParams(document.trial)} is not published; to publish it: ${RETRAIN} publish ${document.batch} --trial ${document.build} --pipeline ${document.pipeline}`,
    );
  const { decision, promotion } = document;
  if (promotion !== null) printOutcome(document.pipeline, promotion);
  else if (decision !== null) printFact('gate', `${decision.outcome}: ${decision.reason}`);
  if (mlflow !== null) printModel(mlflow);
  printLink('Temporal', links.temporal, document.workflowId);
  if (links.mlflow !== null) printLink('MLflow', links.mlflow, `version ${document.batch}`);
  if (mlflow?.look != null) printFact('', mlflow.look);
  if (document.metrics !== null)
    printFact(
      'report',
      `${RETRAIN} report ${findName(document)} --pipeline ${document.pipeline} --open`,
    );
}

/** Prints what became of a published build. */
export function printOutcome(pipeline: string, outcome: PromotionOutcome): void {
  for (const warning of outcome.warnings) say(warning, 'warning');
  printFact('champion', describeOutcome(pipeline, outcome).join('\n'));
}

/** The build for a command: a trial by its build number, because the version's number means the published build. */
function findName({ batch, build, trial }: ResultDocument): string {
  return trial === null ? String(batch) : nameBuild({ version: batch, seq: build! });
}

/**
 * Formats the scores of a version, and those of the builds with which it is compared: the build before, the champion where
 * that is another build, and their scores on the whole new batch before it was trained on.
 */
export function formatScores(
  metrics: NonNullable<ResultDocument['metrics']>,
  comparisons: readonly Comparison[],
  version: number,
): string {
  const before = findCompared(comparisons, 'before');
  const champion = findOtherChampion(comparisons);
  const compared = [before, champion].filter((one) => one !== undefined);
  return [
    formatMetrics(
      metrics,
      before && { heading: nameCompared(before, version), facts: before.facts },
    ),
    champion === undefined ? '' : formatSameRows(metrics, champion, version),
    formatPrequential(metrics, compared, version),
    compared
      .map((one) => describeLeftOut(one.facts, nameCompared(one, version)))
      .filter((text) => text !== '')
      .join('\n'),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}

/** The scores of another build beside those of this one, on the same rows. */
function formatSameRows(
  metrics: NonNullable<ResultDocument['metrics']>,
  other: Comparison,
  version: number,
): string {
  const { facts } = other;
  const { shown, shares } = findMetricSet(metrics);
  const rows = shown.flatMap((name) => {
    const change = compareScore(name, metrics[name], facts);
    if (change === undefined) return [];
    const { now, before } = change;
    const cells = [formatMetric(name, now), formatMetric(name, before)];
    return [[name, ...cells, formatScoreInterval(facts, name, shares), formatChange(change)]];
  });
  if (rows.length === 0) return '';
  const head = [`on the same ${facts['rows']} test rows`, 'this version'];
  return formatTable([...head, nameCompared(other, version), '95 %', 'change'], rows);
}

/** The scores of earlier builds on all rows of the new batch, before a model was trained on them. */
function formatPrequential(
  metrics: NonNullable<ResultDocument['metrics']>,
  comparisons: readonly Comparison[],
  version: number,
): string {
  const scored = comparisons.flatMap((one) => {
    const facts = pickFacts(one.facts, 'prequential_');
    return facts === undefined ? [] : [{ name: nameCompared(one, version), facts }];
  });
  const { shown, shares } = findMetricSet(metrics);
  const names = shown.filter((name) => scored.some(({ facts }) => typeof facts[name] === 'number'));
  if (names.length === 0) return '';
  const rows = names.map((name) => [
    name,
    ...scored.flatMap(({ facts }) => [
      formatMetric(name, facts[name]),
      formatScoreInterval(facts, name, shares),
    ]),
  ]);
  const counts = scored.flatMap(({ facts }) => [String(facts['rows']), describeKnownRows(facts)]);
  return formatTable(
    [`batch ${version} before training on it`, ...scored.flatMap(({ name }) => [name, '95 %'])],
    [...rows, ['rows', ...counts]],
  );
}

/** Another build on the same test rows, under the heading of its column. */
interface Compared {
  heading: string;
  facts: Comparison['facts'];
}

/**
 * Formats the scores on the test rows of all batches, those on the new batch alone and, if another build was scored
 * on the same rows, its scores.
 */
export function formatMetrics(
  metrics: NonNullable<ResultDocument['metrics']>,
  other?: Compared,
): string {
  const { shares } = findMetricSet(metrics);
  const newBatch = metrics['new_batch'] as Record<string, unknown> | undefined;
  const rows = listShownMetrics(metrics).flatMap((name) => {
    const whole = metrics[name];
    const alone = newBatch?.[name];
    if (typeof whole !== 'number') return [];
    const interval = formatScoreInterval(metrics, name, shares);
    const before = other === undefined ? [] : formatBefore(name, whole, other.facts);
    return [[name, formatMetric(name, whole), interval, ...before, formatMetric(name, alone)]];
  });
  const columns = other === undefined ? [] : [other.heading, 'change'];
  return formatTable(['metric', 'all batches', '95 %', ...columns, 'new batch'], rows);
}

/** Formats a score of the other build and the change, with the verdict of a test if there is one. */
function formatBefore(name: string, whole: number, facts: Comparison['facts']): [string, string] {
  if (name === 'test_rows') return [formatMetric(name, facts['rows']), ''];
  const change = compareScore(name, whole, facts);
  if (change === undefined) return ['–', ''];
  return [formatMetric(name, change.before), change.by === 0 ? '' : formatChange(change)];
}
