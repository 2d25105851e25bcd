import type { Healed, StageName, StageRequest, StageResult } from '../contract/stages.ts';
import type { PinnedRun, RunSummary, StageLine } from '../contract/train-batch.ts';
import { STAGE_NAMES } from '../contract/stages.ts';
import { factsLine, summaryOf, type KnownFacts } from './activity-summary.ts';

/** More than this is not damage but a bucket that was emptied: `--force` makes everything anew. */
const MOST_HEALED = 20;

type Ask = Omit<StageRequest, 'inputs'>;

/** An activity of a stage. */
interface StageActivity<Request, Result> {
  executeWithOptions(options: { summary: string }, args: [Request]): Promise<Result>;
}

/** Runs a workflow's stages in turn and keeps the summary that `progress` shows and the run returns. */
export class StageLog {
  readonly summary: RunSummary;
  readonly #run: PinnedRun;
  readonly #forceId: string | null;
  readonly #show: () => void;
  readonly #facts: KnownFacts = {};

  /**
   * @param firstRunId the first execution run id: unlike the run id it survives a reset.
   * @param show is called when a stage begins or ends.
   */
  constructor(run: PinnedRun, firstRunId: string, show: () => void) {
    this.#run = run;
    this.#show = show;
    this.#forceId = run.force ? firstRunId : null;
    const last = STAGE_NAMES.indexOf(run.until);
    this.summary = {
      pipeline: run.pipeline,
      batch: run.batch,
      version: null,
      mlflow: null,
      warnings: [],
      healed: [],
      stages: STAGE_NAMES.slice(0, last + 1).map((stage) => ({ stage, state: 'waiting' })),
      params: run.params,
      paramsHash: run.paramsHash,
    };
  }

  /** Runs one stage, with what every stage is asked and `more`, and keeps its line. */
  async run<Request extends StageRequest, Result extends StageResult>(
    stage: StageName,
    activity: StageActivity<Request, Result>,
    more: Omit<Request, keyof Ask>,
  ): Promise<Result> {
    const line = this.#line(stage);
    line.state = 'running';
    this.#show();
    const summary = summaryOf(stage, this.#run, this.#facts);
    const request = { ...this.#ask(stage), ...more } as Request;
    const result = await activity.executeWithOptions({ summary }, [request]);
    this.#facts[stage] = result.facts;
    line.state = result.cached ? 'cached' : 'done';
    line.key = result.key;
    line.durationMs = result.durationMs;
    line.made = factsLine(stage, result.facts);
    const { healed } = this.summary;
    for (const object of result.healed)
      if (!healed.some(({ md5 }) => md5 === object.md5)) healed.push(object);
    for (const warning of result.warnings.map((text) => `${stage}: ${text}`))
      if (!this.summary.warnings.includes(warning)) this.summary.warnings.push(warning);
    this.#show();
    return result;
  }

  /** What every stage is asked. */
  #ask(stage: StageName): Ask {
    const { pipeline, batch, params, only, force, damaged = [] } = this.#run;
    const required = only !== null && only !== stage;
    return {
      pipeline,
      batch,
      params,
      damaged: [...damaged, ...this.summary.healed.map(({ md5 }) => md5)],
      cache: required ? 'require' : force ? 'bypass' : 'use',
      force: this.#forceId,
    };
  }

  /** Marks the stage that was running as failed, and names it. */
  fail(): StageName | undefined {
    const line = this.summary.stages.find(({ state }) => state === 'running');
    if (line !== undefined) line.state = 'failed';
    return line?.stage;
  }

  /**
   * Takes note of a damaged object, so that the stages run from the top once more and whatever made it
   * makes it again; the others are cache hits.
   * @returns false when that has been tried for this object already, or for too many.
   */
  heal(object: Healed): boolean {
    const { healed } = this.summary;
    if (healed.length >= MOST_HEALED || healed.some(({ md5 }) => md5 === object.md5)) return false;
    healed.push(object);
    return true;
  }

  started(stage: StageName): boolean {
    return this.#line(stage).state !== 'waiting';
  }

  /** The finished stages, as the version record takes them. */
  done(): { stage: StageName; key: string; cached: boolean }[] {
    return this.summary.stages.flatMap(({ stage, key, state }) =>
      key === undefined ? [] : [{ stage, key, cached: state === 'cached' }],
    );
  }

  #line(stage: StageName): StageLine {
    return this.summary.stages.find((line) => line.stage === stage) ?? { stage, state: 'waiting' };
  }
}
