import { RETRAIN } from '../../contract/command.ts';
import { pickScores } from '../../contract/metric-sets.ts';
import type { Execution } from '../../contract/execution.ts';
import { makeRunsLink } from '../../contract/links.ts';
import { TrackingRefused } from '../../contract/failures.ts';
import { hashOf } from '../../store/hash.ts';
import { inParallel } from '../../store/parallel.ts';
import type { VersionLine } from '../../store/version-index.ts';
import {
  deleteOtherRuns,
  findAttempt,
  forgetRun,
  openAttempt,
  updateAttempt,
  type OpenAttempt,
  type TrackingDeps,
} from './attempt.ts';

/** The tag by which MLflow shows runs below another. https://mlflow.org/docs/latest/ml/tracking/#parent-and-child-runs */
export const PARENT_TAG = 'mlflow.parentRunId';

/** The tag that holds the description of a run, in Markdown. */
export const NOTE_TAG = 'mlflow.note.content';

type Deps = TrackingDeps & { temporal: { webUi: string; namespace: string } };

const LOGGED_AT_ONCE = 4;

/**
 * Returns the run of a pipeline, and creates it if there is none. It holds the scores of every version, with the
 * version as their step, and is the parent of the runs of versions. It is claimed in the store like a training
 * attempt, so that batches that run at the same time share it.
 */
export async function openPipelineRun(
  deps: Deps,
  pipeline: string,
  execution: Execution,
): Promise<OpenAttempt> {
  const of = { pipeline, batch: 0, attempt: hashOf({ pipeline, versions: 'all' }).slice(0, 32) };
  const known = await findAttempt(deps, of);
  if (known !== undefined) return known;
  const opened = await openAttempt(deps, of, execution, {
    name: pipeline,
    tags: {
      // Searches by `retrain.pipeline` find the runs of versions only.
      'retrain.versions_of': pipeline,
      [NOTE_TAG]: describePipeline(deps, pipeline),
      'mlflow.source.name': 'retrain',
      'mlflow.source.type': 'JOB',
    },
  });
  await deleteOtherRuns(deps, opened);
  // It belongs to no workflow that could end it.
  await deps.tracker.finishRun(opened.run_id, 'FINISHED', opened.claimed_at);
  return opened;
}

/** Logs the versions that the pipeline's run does not have yet. A repeat logs the same points, which MLflow keeps once. */
export async function logVersions(
  deps: Deps,
  { pipeline, lines }: { pipeline: string; lines: readonly VersionLine[] },
  execution: Execution,
): Promise<OpenAttempt> {
  const run = await openPipelineRun(deps, pipeline, execution);
  try {
    return await logInto(deps, run, lines);
  } catch (error) {
    if (!(error instanceof TrackingRefused) || (await deps.tracker.hasRun(run.run_id))) throw error;
    // A person deleted it, or the server's database was replaced: the new run gets every version.
    await forgetRun(deps, run);
    return logInto(deps, await openPipelineRun(deps, pipeline, execution), lines);
  }
}

async function logInto(
  deps: Deps,
  run: OpenAttempt,
  lines: readonly VersionLine[],
): Promise<OpenAttempt> {
  const missing = lines.filter((line) => run.logged[nameStep(line)] !== String(line.seq));
  if (missing.length === 0) return run;
  await inParallel(missing, LOGGED_AT_ONCE, async ({ version, metrics, rows, created_at }) => {
    const at = { step: version, timestamp: Date.parse(created_at) };
    await deps.tracker.logMetrics(run.run_id, { ...pickScores(metrics), train_rows: rows }, at);
  });
  const last = Math.max(...lines.map(({ created_at }) => Date.parse(created_at)));
  await deps.tracker.finishRun(run.run_id, 'FINISHED', last);
  const logged = Object.fromEntries(missing.map((line) => [nameStep(line), String(line.seq)]));
  return updateAttempt(deps, run, { logged });
}

/** The name under which the run's attempt stores that a version is logged, and which build of it. */
function nameStep({ version }: Pick<VersionLine, 'version'>): string {
  return `version ${version}`;
}

function describePipeline({ temporal }: Deps, pipeline: string): string {
  return [
    `**All versions of ${pipeline}.** Each metric has one point per version, with the version as its step. The runs below this one are the versions.`,
    [
      `- [its runs in Temporal](${makeRunsLink(temporal, pipeline)})`,
      `- from a terminal: \`${RETRAIN} list --pipeline ${pipeline}\``,
    ].join('\n'),
  ].join('\n\n');
}
