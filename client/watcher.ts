import { basename, dirname, join } from 'node:path';
import type { Config } from '../config/environment.ts';
import { STAGES, type StageName } from '../contract/stages.ts';
import { messageOf } from '../contract/failures.ts';
import { EXIT } from './context.ts';
import { describeFailure } from './failure.ts';
import { openDisplay } from './display.ts';
import { follow } from './follow.ts';
import { printJson, say } from './print.ts';
import { printResult, buildResult } from './result.ts';
import type { Session } from './session.ts';
import type { Request, Started } from './start.ts';
import type { trainBatch } from '../workflows/index.ts';
import { warnWithoutWorker } from './waiting.ts';
import { RETRAIN } from '../contract/command.ts';
import { writeWhole } from './write-whole.ts';

/** The sentence that names the command with which a person can follow the run again. */
export function describeWatch({ batch, pipeline }: Followed): string {
  return `the run continues; follow it again with: ${RETRAIN} watch ${batch} --pipeline ${pipeline}`;
}

/** The run that is followed, and how its end is reported. */
export type Followed = Pick<Request, 'pipeline' | 'batch'> & {
  json?: boolean | undefined;
  /** Starts another run where this client can repair a failure; undefined where it cannot. */
  again?: (error: unknown) => Promise<Started | undefined>;
};

/** Shows a run until it ends, and reports its result. Ctrl-C stops the display, not the run. */
export async function watchToEnd(
  session: Session,
  started: Started,
  last: StageName,
  options: Followed,
): Promise<number> {
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  // Before anything is shown, because a person may type Ctrl-C at the first line.
  process.once('SIGINT', leave);
  const display = openDisplay(
    `${options.pipeline} · batch ${options.batch}   ${started.workflowId}`,
  );
  void warnWithoutWorker(session);
  try {
    await follow(session, started, last, display.watch, leaving.signal);
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
    display.stop();
    const { pipeline, batch, json } = options;
    const { workflowId, runId, joined } = started;
    if (json === true) printJson({ pipeline, batch, status: 'running', workflowId, runId, joined });
    say(describeWatch(options));
    return EXIT.detached;
  } finally {
    process.off('SIGINT', leave);
    display.stop();
  }
  return reportEnd(session, started, last, options);
}

async function reportEnd(
  session: Session,
  { workflowId, runId }: Started,
  last: StageName,
  { again, ...options }: Followed,
): Promise<number> {
  const handle = session.client.workflow.getHandle<typeof trainBatch>(workflowId, runId);
  let summary;
  try {
    summary = await handle.result();
  } catch (error) {
    const started = await again?.(error);
    if (started !== undefined) return watchToEnd(session, started, last, options);
    return await reportFailure(error, { workflowId, runId, ...options });
  }
  const { document, metricsFile } = await buildResult(session, { workflowId, runId }, summary);
  // A trial must not replace the local metrics of the version.
  if (metricsFile !== null && document.trial === null) {
    const path = chooseLocalPath(session.config, options);
    await writeWhole(path, metricsFile).catch((error: unknown) =>
      say(`${path} could not be written here (${messageOf(error)})`, 'warning'),
    );
  }
  if (options.json === true) printJson(document);
  else printResult(document);
  return 0;
}

/**
 * The local path of a metrics file: that of the stage graph for the default pipeline, and in a folder with the name
 * of the pipeline for another. So batch 1 of one pipeline does not replace batch 1 of another. It depends only on the
 * request, because the result of a run and stored documents could name any path.
 */
export function chooseLocalPath(
  config: Pick<Config, 'defaultPipeline'>,
  { pipeline, batch }: { pipeline: string; batch: number },
): string {
  const path = STAGES.evaluate.outputs.metrics(batch);
  return pipeline === config.defaultPipeline ? path : join(dirname(path), pipeline, basename(path));
}

/**
 * Reports a failed run: a sentence and, with `--json`, a document.
 * @param options the pipeline is null where params.yaml, which names the default one, cannot be read
 */
export async function reportFailure(
  error: unknown,
  {
    pipeline,
    batch,
    json,
    ...ran
  }: Pick<Followed, 'batch' | 'json'> & {
    pipeline: string | null;
    workflowId?: string;
    runId?: string;
  },
): Promise<number> {
  const failure = await describeFailure(error);
  if (json === true) {
    const { workflowId, runId } = ran;
    printJson({ pipeline, batch, status: 'failed', workflowId, runId, error: failure });
  }
  say(`${failure.stage === null ? '' : `${failure.stage}: `}${failure.message}`, 'error');
  return EXIT.failed;
}
