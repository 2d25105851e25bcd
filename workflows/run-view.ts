import {
  isCancellation,
  ApplicationFailure,
  setCurrentDetails,
  setHandler,
  upsertMemo,
} from '@temporalio/workflow';
import type { EndNotice } from '../contract/activities.ts';
import type { PinnedRun, RunFailure, RunSummary } from '../contract/train-batch.ts';
import { writeDetails } from './details.ts';
import { escapeMarkdown } from '../contract/markdown.ts';
import { progress, result } from '../contract/messages.ts';
import { findEntry } from '../contract/stages.ts';
import { formatTrialParams } from '../contract/trials.ts';
import { nameBuild } from '../contract/versions.ts';
import type { Outcome } from '../contract/search-attributes.ts';
import { setSearchAttributes } from './set-attributes.ts';

/**
 * Shows a run to people: details that change with its stages, search attributes, links in its memo, and the
 * queries `progress` and `result`.
 */
export class RunView {
  #run: PinnedRun | undefined;
  #summary: RunSummary | null = null;
  #outcome: Outcome = 'running';
  #error: RunFailure | null = null;

  /** Answers queries from the start. */
  constructor() {
    setHandler(progress, () => this.#summary);
    setHandler(result, () => ({
      outcome: this.#outcome,
      error: this.#error,
      run: this.#outcome === 'running' ? null : this.#summary,
    }));
    setCurrentDetails('its input is checked and its params are fixed');
  }

  /** The run has its params. */
  begin(run: PinnedRun, summary: RunSummary): void {
    this.#run = run;
    this.#summary = summary;
    const { pipeline, batch, paramsHash, places } = run;
    upsertMemo({ pipeline, batch, params: paramsHash, links: { artifacts: places.artifacts } });
    setSearchAttributes(run.searchAttributes, {
      RetrainPipeline: pipeline,
      RetrainBatch: batch,
      RetrainOutcome: 'running',
    });
    this.show();
  }

  /** Another version is built before this one. */
  waitFor(version: number): void {
    setCurrentDetails(`version ${version} is built first, as it has no record`);
  }

  /** A stage began or ended. */
  show(): void {
    if (this.#run !== undefined && this.#summary !== null)
      setCurrentDetails(writeDetails(this.#run, this.#summary));
  }

  /** The run has done what it was asked. */
  complete(): void {
    const { version, mlflow, stages } = this.#summary!;
    this.#outcome =
      version === null
        ? 'partial'
        : version.trial !== undefined
          ? 'trial'
          : stages.every(isFromCache)
            ? 'cached'
            : 'trained';
    const modelVersion = Number(mlflow?.modelVersion ?? Number.NaN);
    const accuracy = version?.metrics['accuracy'];
    setSearchAttributes(this.#run!.searchAttributes, {
      RetrainOutcome: this.#outcome,
      ...(Number.isSafeInteger(modelVersion) ? { RetrainModelVersion: modelVersion } : {}),
      ...(accuracy === undefined ? {} : { RetrainAccuracy: accuracy }),
    });
    const artifacts = this.#run!.places.artifacts;
    const record = version === null ? {} : { record: `${artifacts}/${version.record.path}` };
    upsertMemo({ links: { artifacts, ...record, ...mlflow?.links } });
    this.show();
  }

  /** The run ends with this error. */
  fail(error: unknown): void {
    this.#outcome = isCancellation(error) ? 'cancelled' : 'failed';
    this.#error = describeError(error);
    setSearchAttributes(this.#run?.searchAttributes ?? [], { RetrainOutcome: this.#outcome });
    const { stage, message } = this.#error;
    const failed = `${this.#outcome}${stage === null ? '' : ` in ${stage}`}: ${message}`;
    if (this.#run === undefined || this.#summary === null)
      setCurrentDetails(escapeMarkdown(failed));
    else setCurrentDetails(writeDetails(this.#run, this.#summary, { failed }));
  }

  /** How the run ended, as the webhook reports it. */
  ending(): EndNotice {
    const { pipeline, batch, version: made = null, mlflow, stages = [] } = this.#summary ?? {};
    const version = made?.trial === undefined ? made : null;
    return {
      event: this.#error === null ? 'completed' : 'failed',
      outcome: this.#outcome,
      pipeline: pipeline ?? '',
      batch: batch ?? 0,
      version: version === null ? null : { version: version.version, seq: version.seq },
      metrics: made?.metrics ?? null,
      error: this.#error,
      links: { artifacts: this.#run?.places.artifacts ?? '', ...mlflow?.links },
      message:
        made?.trial === undefined
          ? `stopped after ${stages.at(-1)?.stage ?? 'nothing'}, as asked`
          : `build ${nameBuild(made)} with ${formatTrialParams(made.trial)}`,
    };
  }
}

/** Whether a stage made no part of the build. A decision about a known build, against another champion, makes none. */
function isFromCache({ stage, state }: RunSummary['stages'][number]): boolean {
  return state === 'cached' || findEntry(stage)?.aboutBuild === true;
}

function describeError(error: unknown): RunFailure {
  if (isCancellation(error))
    return { type: 'Cancelled', message: 'the run was cancelled', stage: null };
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ApplicationFailure)) return { type: 'Error', message, stage: null };
  const [facts] = (error.details ?? []) as { stage?: string | null }[];
  return { type: error.type ?? 'Error', message, stage: facts?.stage ?? null };
}
