import { RETRAIN } from '../../contract/command.ts';
import type { Execution } from '../../contract/execution.ts';
import { makeTemporalLink } from '../../contract/links.ts';
import { escapeMarkdown, groupDigits, markdownTable } from '../../contract/markdown.ts';
import {
  compareScore,
  findMetricSet,
  formatChange,
  formatScore,
} from '../../contract/metric-sets.ts';
import { findStage } from '../../contract/stages.ts';
import { formatTrialParams, type TrialParams } from '../../contract/trials.ts';
import type { Store } from '../../store/index.ts';
import type { VersionLine } from '../../store/version-index.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { updateAttempt, type OpenAttempt } from './attempt.ts';
import { nameRun, type LoggingDeps } from './log-training.ts';
import { logVersions, NOTE_TAG, openPipelineRun, PARENT_TAG } from './pipeline-run.ts';

type Deps = LoggingDeps & { store: Pick<Store, 'records'> };

/** The stage name under which an attempt stores which build its pages describe. */
const DESCRIBED = 'publish_version';

/**
 * Shows a build to people in MLflow: the name and the description of its run and, if it is published, the description
 * of its registered version and its scores in the run of the pipeline. A repeat writes the same.
 */
export async function describeInTracker(
  deps: Deps,
  attempt: OpenAttempt,
  record: VersionRecord,
  { execution, isTrial }: { execution: Execution; isTrial: boolean },
): Promise<void> {
  // A trial can be published later, and then its page says so.
  const state = isTrial ? `trial ${record.build}` : record.build;
  if (attempt.logged[DESCRIBED] === state) return;
  const { pipeline, version, seq } = record;
  const tracker = deps.tracker.withSignal(execution.signal);
  const trial = isTrial ? record.trial : null;
  const lines = await deps.store.records.list(pipeline);
  const parent = isTrial
    ? await openPipelineRun(deps, pipeline, execution)
    : await logVersions(deps, { pipeline, lines }, execution);
  // A trial is compared with the published build of its version, if there is one.
  const before = lines.filter((line) => line.version < version + Number(isTrial)).at(-1);
  const description = describeBuild(deps, attempt, { record, trial, before });
  const name = nameRun({ pipeline, batch: version, trial });
  const { model_name: model, model_version: registered } = attempt;
  await Promise.all([
    tracker.renameRun(attempt.run_id, seq === 1 && !isTrial ? name : `${name}.${seq}`),
    tracker.setTags(attempt.run_id, { [PARENT_TAG]: parent.run_id, [NOTE_TAG]: description }),
    ...(model === null || registered === null
      ? []
      : [tracker.describeVersion({ name: model, version: registered, description })]),
  ]);
  await updateAttempt(deps, attempt, { logged: { [DESCRIBED]: state } });
}

/**
 * Describes a build in Markdown: what it is, where to look, and its scores beside those of the version before. The
 * scores come last, because MLflow folds a long description.
 */
function describeBuild(
  { tracker, temporal }: Deps,
  { experiment_id: experimentId, run_id: runId }: OpenAttempt,
  {
    record,
    trial,
    before,
  }: { record: VersionRecord; trial: TrialParams | null; before: VersionLine | undefined },
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
  const name = `**${escapeMarkdown(pipeline)} version ${version}**, build ${seq}`;
  const what =
    trial === null
      ? name
      : `A trial of ${name}, with ${escapeMarkdown(formatTrialParams(trial))}, which is not published`;
  const links = [
    ...(report === undefined
      ? []
      : [`[report](${tracker.makeArtifactUrl(experimentId, runId, report.path)})`]),
    `[run in Temporal](${page})`,
    `the whole report: \`${RETRAIN} report ${version}.${seq} --pipeline ${pipeline} --open\``,
  ];
  return [`${what}, trained on ${count}${batches}.`, links.join(' · '), writeScores(record, before)]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** The scores as a table, beside those of the version before: on the same rows, if it was scored on them. */
function writeScores(
  { version, metrics, comparisons }: VersionRecord,
  before: VersionLine | undefined,
): string {
  const [compared] = comparisons;
  const other = compared === undefined ? before?.metrics : compared.facts;
  const heading =
    compared?.version === version
      ? `build ${version}.${compared.seq}`
      : `version ${compared?.version ?? before?.version}`;
  const rows = findMetricSet(metrics).shown.flatMap((name) => {
    const value = metrics[name];
    if (value === undefined) return [];
    const cells = [name, formatScore(value), writeInterval(metrics, name)];
    if (other === undefined) return [cells];
    const change = compareScore(name, value, other);
    return [
      change === undefined
        ? [...cells, '', '']
        : [...cells, formatScore(change.before), formatChange(change)],
    ];
  });
  if (rows.length === 0) return 'There are no test rows, so it has no scores.';
  const head = ['score', 'this build', '95 %'];
  const same = compared === undefined ? '' : ', same rows';
  return markdownTable(other === undefined ? head : [...head, `${heading}${same}`, 'change'], rows);
}

function writeInterval(metrics: VersionRecord['metrics'], name: string): string {
  const [low, high] = [metrics[`${name}_low`], metrics[`${name}_high`]];
  return low === undefined || high === undefined
    ? ''
    : `${formatScore(low)} to ${formatScore(high)}`;
}
