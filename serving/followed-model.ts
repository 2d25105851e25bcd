import { setTimeout as sleep } from 'node:timers/promises';
import { RETRAIN } from '../contract/command.ts';
import {
  BadData,
  BadParams,
  messageOf,
  MissingHistory,
  RetrainError,
} from '../contract/failures.ts';
import { isSameBuild, nameBuild } from '../contract/versions.ts';
import type { Store } from '../store/index.ts';
import { underSignal } from '../store/signal.ts';
import {
  findRecord,
  isBuildName,
  type LoadedModel,
  loadRecord,
  type ModelName,
} from './load-model.ts';

/** How long a build that did not load is left alone. Its record never changes, and its objects only by a repair. */
const PAUSE_MS = 60_000;

/** A model that is in use while the store is watched for a newer one. `Current` may be undefined until one was loaded. */
export class FollowedModel<Current extends LoadedModel | undefined = LoadedModel> {
  readonly pipeline: string;
  /** What was asked for, such as `latest`. */
  readonly name: ModelName;
  readonly #store: Store;
  #current: Current;
  #problem: string | undefined;
  #checkedAt: Date | undefined;
  #switches = 0;
  /** The build that did not load although the store answered, why, and when it is tried again. */
  #failed: { build: string; problem: string; until: number } | undefined;

  private constructor(store: Store, pipeline: string, name: ModelName, current: Current) {
    this.#store = store;
    this.pipeline = pipeline;
    this.name = name;
    this.#current = current;
  }

  /** @throws like `loadFrom` */
  static async open(store: Store, pipeline: string, name: ModelName): Promise<FollowedModel> {
    const record = await findRecord(store, pipeline, name);
    const checkedAt = new Date();
    const model = new FollowedModel(store, pipeline, name, await loadChecked(store, record));
    model.#checkedAt = checkedAt;
    return model;
  }

  /**
   * Opens a model that is not needed. If it cannot be loaded, it has a problem and no model until a later check.
   * @throws BadParams when the name is no name of a model
   */
  static async openOptional(
    store: Store,
    pipeline: string,
    name: ModelName,
  ): Promise<FollowedModel<LoadedModel | undefined>> {
    const model = new FollowedModel<LoadedModel | undefined>(store, pipeline, name, undefined);
    const error = await model.#check();
    if (error instanceof BadParams) throw error;
    return model;
  }

  /** The model that answers. A request keeps the one it began with. */
  get current(): Current {
    return this.#current;
  }

  /** Why the newest model may not be the one that answers: a sentence, or undefined if it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** When the store last said which model is the newest; undefined before it did. */
  get checkedAt(): Date | undefined {
    return this.#checkedAt;
  }

  /** How often a newer model has replaced one. */
  get switches(): number {
    return this.#switches;
  }

  /** Whether no newer model can take its place, because one build was asked for and is loaded. */
  get #isFinal(): boolean {
    return this.#current !== undefined && isBuildName(this.name);
  }

  /**
   * Loads the model that the name means now, if it is another one. The old one stays if that fails, and the build is
   * tried again after a minute.
   */
  async check(): Promise<void> {
    if (!this.#isFinal) await this.#check();
  }

  /** @returns the error that left the old model in use */
  async #check(): Promise<unknown> {
    const old = this.#current;
    let found: string | undefined;
    try {
      const record = await findRecord(this.#store, this.pipeline, this.name);
      this.#checkedAt = new Date();
      if (old === undefined || !isSameBuild(record, old)) {
        found = nameBuild(record);
        if (this.#failed?.build === found && Date.now() < this.#failed.until) {
          this.#problem = this.#failed.problem;
          return undefined;
        }
        this.#current = (await loadChecked(this.#store, record)) as Current;
        if (old !== undefined) this.#switches++;
      }
      this.#failed = this.#problem = undefined;
      return undefined;
    } catch (error) {
      const missed =
        error instanceof MissingHistory ? 'no model was found' : 'the bucket was not read';
      const what = found === undefined ? missed : `version ${found} was not loaded`;
      const answers = old === undefined ? '' : `, and version ${nameBuild(old)} still answers`;
      const problem = `${what}${answers}: ${messageOf(error)}`;
      this.#problem = problem;
      const isPassing = error instanceof RetrainError && error.retryable;
      if (found !== undefined && !isPassing)
        this.#failed = { build: found, problem, until: Date.now() + PAUSE_MS };
      return error;
    }
  }

  /**
   * Checks again and again until the signal is aborted, or until no other model can come.
   * @param onChange is called after each check that has changed the model or the problem
   */
  async follow(everyMs: number, signal: AbortSignal, onChange: () => void): Promise<void> {
    while (!signal.aborted && !this.#isFinal) {
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const [current, problem] = [this.#current, this.#problem];
      await underSignal(signal, () => this.check());
      if (signal.aborted) return;
      if (current !== this.#current || problem !== this.#problem) onChange();
    }
  }
}

/** Loads a model, and asks it for an answer before anybody else does. */
async function loadChecked(
  store: Store,
  record: Parameters<typeof loadRecord>[1],
): Promise<LoadedModel> {
  const model = await loadRecord(store, record);
  const { predictions, unreadable } = model.predictor.predict(1, (reader) =>
    reader.readValue(null),
  );
  if (unreadable.length > 0 || predictions[0] === undefined)
    throw new BadData(
      `version ${nameBuild(model)} has no answer for a row without values: make another build with "${RETRAIN} run ${model.version} --force --pipeline ${model.pipeline}"`,
    );
  return model;
}
