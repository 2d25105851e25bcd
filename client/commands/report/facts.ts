import { readTemporalLocation } from '../../../config/connections.ts';
import { MissingHistory } from '../../../contract/failures.ts';
import { RETRAIN } from '../../../contract/command.ts';
import { findCompared, nameCompared } from '../../../contract/comparisons.ts';
import { findStage } from '../../../contract/stages.ts';
import { formatTrialParams } from '../../../contract/trials.ts';
import type { BuildFacts } from '../../../pipeline/scoring/report/build.ts';
import { describeModel } from '../../../pipeline/scoring/report/model.ts';
import type { ReportFacts } from '../../../pipeline/scoring/report/report.ts';
import type { ReportMetrics } from '../../../pipeline/scoring/report/scores.ts';
import { sourceIdentity } from '../../../sources/identity.ts';
import { readMetrics } from '../../../store/metrics-file.ts';
import { requireKept } from '../../../store/record-check.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import { findDecision } from '../../champion.ts';
import { flatten } from '../../compare/changes.ts';
import { describeStanding } from '../../promotion.ts';
import { linkRun } from '../../result.ts';
import type { StoreSession } from '../../session.ts';
import { readTracked } from '../../versions.ts';
import { openStoredModel } from '../diff/document.ts';
import { drawSvg } from '../lineage/drawings.ts';
import { readLineage } from '../lineage/graph.ts';

/**
 * Reads the facts that a report shows about a build. They depend only on the records of this version and of earlier
 * ones, so later versions change only what a report says of the champion.
 */
export async function readReportFacts(
  session: StoreSession,
  record: VersionRecord,
): Promise<ReportFacts> {
  const { artifacts, records } = session.store;
  await requireKept(records, record);
  const scoring = findStage(record.stages, 'evaluate');
  const metrics = scoring?.outputs.metrics;
  if (metrics === undefined)
    throw new MissingHistory(
      `the record of version ${record.version} of ${record.pipeline} has no metrics: run it again with "${RETRAIN} run ${record.version} --pipeline ${record.pipeline}"`,
    );
  const { confidence } = scoring!.facts;
  const { model, encoder } = await openStoredModel(artifacts, record, {
    model: scoring!.inputs.model!,
    encoder: scoring!.inputs.encoder!,
  });
  return {
    batch: record.version,
    // A version without test rows has a count of 0 there.
    metrics: readMetrics(await artifacts.get(metrics), metrics) as ReportMetrics,
    confidence: typeof confidence === 'number' ? confidence : null,
    ...describeModel(model, encoder),
    build: await readBuildFacts(session, record),
  };
}

async function readBuildFacts(session: StoreSession, record: VersionRecord): Promise<BuildFacts> {
  const { records } = session.store;
  const { pipeline, version, stages } = record;
  const earlier = (await records.list(pipeline)).filter((line) => line.version < version);
  const before = findCompared(record.comparisons, 'before') ?? earlier.at(-1);
  const previous =
    before === undefined ? undefined : await records.read(pipeline, before.version, before.seq);
  const params = listParams(record);
  const source = params['data.source'];
  return {
    pipeline,
    seq: record.seq,
    trial: (await records.isTrial(record)) ? formatTrialParams(record.trial ?? {}) : null,
    promotion: await describePromotion(session, record),
    createdAt: record.created_at,
    source: typeof source === 'string' ? source : 'not known',
    rows: {
      all: toCount(findStage(stages, 'merge_data')?.facts.rows),
      newBatch: toCount(findStage(stages, 'prepare_batch')?.facts.rows),
      train: toCount(findStage(stages, 'train')?.facts.rows) ?? 0,
    },
    params,
    previous:
      previous === undefined
        ? null
        : {
            name: nameCompared({ ...previous, roles: ['before'] }, version),
            params: listParams(previous),
          },
    compared: record.comparisons.map((one) => ({
      name: nameCompared(one, version),
      facts: one.facts,
    })),
    history: [...earlier, record].map((line) => ({ version: line.version, metrics: line.metrics })),
    links: await listLinks(session, record),
    gitCommit: record.git_commit,
    warnings: stages.flatMap(({ stage, warnings }) =>
      warnings.map((warning) => `${stage}: ${warning}`),
    ),
    lineage: drawSvg(await readLineage(session.store, record)),
  };
}

/** What the gate decided about a build and, as the record of promotions has it now, which build is the champion. */
async function describePromotion(
  { store }: StoreSession,
  record: VersionRecord,
): Promise<string[]> {
  const history = (await store.champions.read(record.pipeline)) ?? null;
  const decision = findDecision(record, history);
  if (decision === null) return [];
  return [
    `The gate: ${decision.outcome}, because ${decision.reason}.`,
    ...(history === null
      ? []
      : [`The champion: ${describeStanding(history, record, decision.reason)}.`]),
  ];
}

function toCount(fact: unknown): number | undefined {
  return typeof fact === 'number' ? fact : undefined;
}

/** The params by dotted name. The source is named without the path of one machine, or the query of a URL. */
function listParams({ params }: VersionRecord): Record<string, unknown> {
  const flat = flatten(params);
  const source = flat['data.source'];
  return typeof source === 'string'
    ? { ...flat, 'data.source': sourceIdentity(source).name }
    : flat;
}

async function listLinks(
  session: StoreSession,
  record: VersionRecord,
): Promise<BuildFacts['links']> {
  const { workflow } = record;
  const { namespace } = readTemporalLocation();
  const tracked = await readTracked(session, record);
  return [
    {
      text: 'The run in Temporal',
      href: linkRun(
        { config: session.config, namespace },
        { workflowId: workflow.workflow_id, runId: workflow.run_id },
      ),
    },
    ...(tracked === null ? [] : [{ text: 'The run in MLflow', href: tracked.url }]),
  ];
}
