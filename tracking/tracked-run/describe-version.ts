import { RETRAIN } from '../../contract/command.ts';
import { readGate } from '../../contract/defaults.ts';
import type { Execution } from '../../contract/execution.ts';
import { makeTemporalLink } from '../../contract/links.ts';
import { escapeMarkdown, groupDigits, markdownTable } from '../../contract/markdown.ts';
import {
  compareScore,
  findMetricSet,
  formatChange,
  formatScore,
  formatScoreInterval,
  formatSigned,
} from '../../contract/metric-sets.ts';
import {
  describeKnownRows,
  describeLeftOut,
  findCompared,
  findOtherChampion,
  nameCompared,
  pickFacts,
} from '../../contract/comparisons.ts';
import { findStage, type Comparison } from '../../contract/stages.ts';
import { formatTrialParams, type TrialParams } from '../../contract/trials.ts';
import { nameBuild } from '../../contract/versions.ts';
import type { Store } from '../../store/index.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { updateAttempt, type OpenAttempt } from './attempt.ts';
import { DESCRIBED, nameRun, type LoggingDeps } from './log-training.ts';
import { logVersions, NOTE_TAG, openPipelineRun, PARENT_TAG } from './pipeline-run.ts';

type Deps = LoggingDeps & { store: Pick<Store, 'records'> };

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
  const description = describeBuild(deps, attempt, { record, trial });
  const name = nameRun({ pipeline, batch: version, trial });
  const { model_name: model, model_version: registered } = attempt;
  await Promise.all([
    tracker.renameRun(attempt.run_id, seq === 1 && !isTrial ? name : `${name}.${seq}`),
    tracker.setTags(attempt.run_id, {
      [PARENT_TAG]: parent.run_id,
      [NOTE_TAG]: description,
      ...makeGateTags(record),
    }),
    ...(model === null || registered === null
      ? []
      : [tracker.describeVersion({ name: model, version: registered, description })]),
  ]);
  await updateAttempt(deps, attempt, { logged: { [DESCRIBED]: state } });
}

/**
 * Describes a build in Markdown: what it is, where to look, and its scores beside those of the version before and of the
 * champion. The scores come last, because MLflow folds a long description.
 */
function describeBuild(
  { tracker, temporal }: Deps,
  { experiment_id: experimentId, run_id: runId }: OpenAttempt,
  { record, trial }: { record: VersionRecord; trial: TrialParams | null },
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
    `the whole report: \`${RETRAIN} report ${nameBuild(record)} --pipeline ${pipeline} --open\``,
  ];
  return [
    `${what}, trained on ${count}${batches}.`,
    links.join(' · '),
    writeDecision(record),
    ...writeScores(record),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** The decision of the gate as tags, by which runs can be searched; none for a record of an earlier program. */
function makeGateTags({ stages }: VersionRecord): Record<string, string> {
  const { outcome, reason, champion, p_value: p } = findStage(stages, 'gate')?.facts ?? {};
  if (typeof outcome !== 'string') return {};
  return {
    'retrain.gate': outcome,
    'retrain.gate_reason': String(reason),
    ...(typeof champion === 'string' ? { 'retrain.gate_champion': champion } : {}),
    ...(typeof p === 'number' ? { 'retrain.gate_p_value': String(p) } : {}),
  };
}

/** What the gate said of the build, as one line. */
function writeDecision({ stages, params }: VersionRecord): string {
  const { outcome, reason, metric, low, high } = findStage(stages, 'gate')?.facts ?? {};
  if (typeof outcome !== 'string') return '';
  const { confidence } = readGate(params);
  const by =
    typeof low === 'number' && typeof high === 'number'
      ? ` By ${metric}, it is better by ${formatSigned(low)} at least and ${formatSigned(high)} at most, each at ${Number((100 * confidence).toPrecision(6))} %.`
      : '';
  return `**Gate: ${outcome}**: ${escapeMarkdown(String(reason))}.${by}`;
}

/** The scores as tables: beside those of the build before and of the champion, on the same rows. */
function writeScores({ version, metrics, comparisons }: VersionRecord): string[] {
  const { shown, headline } = findMetricSet(metrics);
  const before = findCompared(comparisons, 'before');
  const champion = findOtherChampion(comparisons);
  const own = shown.filter((name) => name in metrics);
  if (own.length === 0) return ['There are no test rows, so it has no scores.'];
  const rows = own.map((name) => [
    name,
    formatScore(metrics[name]!),
    formatScoreInterval(metrics, name),
    ...(before === undefined ? [] : writeOther(name, metrics[name], before.facts)),
  ]);
  const head = ['score', 'this build', '95 %'];
  const name = before === undefined ? '' : `${nameCompared(before, version)}, same rows`;
  const compared = [before, champion].filter((one) => one !== undefined);
  return [
    markdownTable(before === undefined ? head : [...head, name, 'change'], rows),
    ...(champion === undefined
      ? []
      : [
          markdownTable(
            ['score', `${nameCompared(champion, version)}, same rows`, 'change'],
            own.map((score) => [score, ...writeOther(score, metrics[score], champion.facts)]),
          ),
        ]),
    ...compared.flatMap((one) => {
      const facts = pickFacts(one.facts, 'prequential_');
      const value = facts?.[headline];
      const known = describeKnownRows(facts ?? {});
      const left = describeLeftOut(one.facts, nameCompared(one, version));
      return [
        ...(typeof value === 'number'
          ? [
              `Before any model was trained on batch ${version}, ${nameCompared(one, version)} had ${headline} ${formatScore(value)} (${formatScoreInterval(facts!, headline)}) on its ${facts!['rows']} rows${known === '' ? '' : ` ${known}`}.`,
            ]
          : []),
        ...(left === '' ? [] : [`${left}.`]),
      ];
    }),
  ];
}

function writeOther(name: string, value: unknown, facts: Comparison['facts']): string[] {
  const change = compareScore(name, value, facts);
  return change === undefined ? ['', ''] : [formatScore(change.before), formatChange(change)];
}
