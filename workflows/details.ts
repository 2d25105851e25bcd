import type { PinnedRun, RunSummary, StageLine } from '../contract/train-batch.ts';
import { LAST_STAGE } from '../contract/stages.ts';
import { groupDigits, escapeMarkdown, markdownTable } from '../contract/markdown.ts';
import { formatScore } from '../contract/metric-sets.ts';
import { formatTrialParams } from '../contract/trials.ts';

const MARKS: Record<StageLine['state'], string> = {
  waiting: '·',
  running: '▸',
  done: '✔',
  cached: '≡',
  failed: '✖',
};

/** The current details of a run in Markdown, for its page in Temporal's Web UI. */
export function writeDetails(
  { places, until }: PinnedRun,
  summary: RunSummary,
  end: { failed?: string } = {},
): string {
  const { pipeline, batch, version, warnings } = summary;
  return [
    `**${escapeMarkdown(pipeline)} · batch ${batch}**: ${describeStatus(summary, until, end.failed)}`,
    markdownTable(
      ['stage', 'state', 'took', 'made'],
      summary.stages.map(({ stage, state, durationMs, made }) => [
        stage,
        `${MARKS[state]} ${state}`,
        durationMs === undefined ? '' : `${groupDigits(durationMs)} ms`,
        made ?? '',
      ]),
    ),
    version === null
      ? ''
      : markdownTable(
          ['metric', 'all batches'],
          Object.entries(version.metrics).map(([name, value]) => [name, formatNumber(value)]),
        ),
    describeDecision(summary),
    warnings.map((warning) => `- ⚠ ${escapeMarkdown(warning)}`).join('\n'),
    listLinks(summary, places.artifacts).join(' · '),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function describeStatus(
  { batch, stages, version }: RunSummary,
  until: string,
  failed: string | undefined,
): string {
  if (failed !== undefined) return escapeMarkdown(failed);
  const running = stages.find(({ state }) => state === 'running');
  if (version !== null)
    return version.trial === undefined
      ? `version ${batch}, build ${version.seq}, is published`
      : `build ${batch}.${version.seq} is a trial with ${escapeMarkdown(formatTrialParams(version.trial))}`;
  if (running !== undefined) return `${running.stage} is running`;
  const done = stages.every(({ state }) => state === 'done' || state === 'cached');
  return done && until !== LAST_STAGE ? `stopped after ${until}, as asked` : 'running';
}

/** What the gate says of the build and, once it is known, what became of it. */
function describeDecision({ decision, promotion }: RunSummary): string {
  const said =
    decision === undefined
      ? []
      : [`**gate**: ${escapeMarkdown(`${decision.outcome}: ${decision.reason}`)}`];
  const became =
    promotion === undefined
      ? []
      : [`**champion**: ${escapeMarkdown(`${promotion.state}: ${promotion.reason}`)}`];
  return [...said, ...became].join('\n\n');
}

/** Links to what the run has made so far. */
function listLinks({ mlflow, version }: RunSummary, artifacts: string): string[] {
  return [
    ...(mlflow?.links?.run == null ? [] : [`[MLflow run](${mlflow.links.run})`]),
    ...(mlflow?.links?.model == null
      ? []
      : [
          `[${escapeMarkdown(mlflow.modelName)} version ${mlflow.modelVersion}](${mlflow.links.model})`,
        ]),
    version === null
      ? `artifacts in \`${artifacts}\``
      : `record \`${artifacts}/${version.record.path}\``,
  ];
}

function formatNumber(value: number): string {
  return Number.isInteger(value) && value > 1 ? groupDigits(value) : formatScore(value);
}
