import { RETRAIN } from '../../contract/command.ts';
import type { Execution } from '../../contract/execution.ts';
import { makeTemporalLink } from '../../contract/links.ts';
import { escapeMarkdown, groupDigits, markdownTable } from '../../contract/markdown.ts';
import { findMetricSet, formatScore, isBetter } from '../../contract/metric-sets.ts';
import { findStage } from '../../contract/stages.ts';
import type { Store } from '../../store/index.ts';
import type { VersionLine } from '../../store/version-index.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { updateAttempt, type OpenAttempt } from './attempt.ts';
import { nameRun, type LoggingDeps } from './log-training.ts';
import { logVersions, NOTE_TAG, PARENT_TAG } from './pipeline-run.ts';

type Deps = LoggingDeps & { store: Pick<Store, 'records'> };

/** The stage name under which an attempt remembers for which build its pages are described. */
const DESCRIBED = 'publish_version';

/**
 * Shows a published version to people in MLflow: the name and the description of its run, the description of its
 * registered version, and its scores in the run of the pipeline. A repeat writes the same.
 */
export async function describeInTracker(
  deps: Deps,
  attempt: OpenAttempt,
  record: VersionRecord,
  execution: Execution,
): Promise<void> {
  if (attempt.logged[DESCRIBED] === record.build) return;
  const { pipeline, version, seq } = record;
  const tracker = deps.tracker.withSignal(execution.signal);
  const [parent, lines] = await Promise.all([
    logVersions(deps, pipeline, execution),
    deps.store.records.list(pipeline),
  ]);
  const before = lines.filter((line) => line.version < version).at(-1);
  const description = describeBuild(deps, attempt, record, before);
  const name = nameRun({ pipeline, batch: version });
  const { model_name: model, model_version: registered } = attempt;
  await Promise.all([
    tracker.renameRun(attempt.run_id, seq === 1 ? name : `${name}.${seq}`),
    tracker.setTags(attempt.run_id, { [PARENT_TAG]: parent.run_id, [NOTE_TAG]: description }),
    ...(model === null || registered === null
      ? []
      : [tracker.describeVersion({ name: model, version: registered, description })]),
  ]);
  await updateAttempt(deps, attempt, { logged: { [DESCRIBED]: record.build } });
}

/** Describes a build in Markdown: what it is, its scores beside those of the version before, and where to look. */
function describeBuild(
  { tracker, temporal }: Deps,
  { experiment_id: experimentId, run_id: runId }: OpenAttempt,
  record: VersionRecord,
  before: VersionLine | undefined,
): string {
  const { pipeline, version, seq, workflow } = record;
  const rows = findStage(record.stages, 'train')?.facts.rows;
  const batches = version === 1 ? 'batch 1' : `batches 1 to ${version}`;
  const count = typeof rows === 'number' ? `${groupDigits(rows)} rows of ` : '';
  const report = findStage(record.stages, 'evaluate')?.outputs.report;
  const page = makeTemporalLink(temporal, {
    workflowId: workflow.workflow_id,
    runId: workflow.run_id,
  });
  const links = [
    ...(report === undefined
      ? []
      : [`[report](${tracker.artifactUrl(experimentId, runId, report.path)})`]),
    `[run in Temporal](${page})`,
    `the whole report: \`${RETRAIN} report ${version}.${seq} --pipeline ${pipeline} --open\``,
  ];
  return [
    `**${escapeMarkdown(pipeline)} version ${version}**, build ${seq}, trained on ${count}${batches}.`,
    writeScores(record, before),
    links.join(' · '),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function writeScores({ metrics }: VersionRecord, before: VersionLine | undefined): string {
  const rows = findMetricSet(metrics).shown.flatMap((name) => {
    const value = metrics[name];
    if (value === undefined) return [];
    const cells = [name, formatScore(value), writeInterval(metrics, name)];
    const old = before?.metrics[name];
    if (before === undefined) return [cells];
    return [[...cells, old === undefined ? '' : formatScore(old), writeChange(name, value, old)]];
  });
  if (rows.length === 0) return 'There are no test rows, so it has no scores.';
  const head = ['score', 'this version', '95 %'];
  return markdownTable(
    before === undefined ? head : [...head, `version ${before.version}`, 'change'],
    rows,
  );
}

function writeInterval(metrics: VersionRecord['metrics'], name: string): string {
  const [low, high] = [metrics[`${name}_low`], metrics[`${name}_high`]];
  return low === undefined || high === undefined
    ? ''
    : `${formatScore(low)} to ${formatScore(high)}`;
}

function writeChange(name: string, value: number, old: number | undefined): string {
  if (old === undefined) return '';
  const by = value - old;
  const better = isBetter(name, by);
  if (better === undefined) return 'none';
  return `${by < 0 ? '−' : '+'}${formatScore(Math.abs(by))} ${better ? 'better' : 'worse'}`;
}
