import { setTimeout as sleep } from 'node:timers/promises';
import { BadData, messageOf } from '../contract/failures.ts';
import type { Store } from '../store/index.ts';
import { underSignal } from '../store/signal.ts';
import { findRecord, type LoadedModel, loadRecord, type ModelName } from './load-model.ts';

/** A model that is in use while the store is watched for a newer one. */
export class FollowedModel {
  /** What was asked for, such as `latest`. */
  readonly name: ModelName;
  readonly #store: Store;
  #current: LoadedModel;
  #problem: string | undefined;
  #checkedAt = new Date();
  #switches = 0;

  private constructor(store: Store, name: ModelName, current: LoadedModel) {
    this.#store = store;
    this.name = name;
    this.#current = current;
  }

  /** @throws like `loadFrom` */
  static async open(store: Store, pipeline: string, name: ModelName): Promise<FollowedModel> {
    const current = await loadChecked(store, await findRecord(store, pipeline, name));
    return new FollowedModel(store, name, current);
  }

  /** The model that answers. A request keeps the one it began with. */
  get current(): LoadedModel {
    return this.#current;
  }

  /** Why the newest model may not be the one that answers: a sentence, or undefined if it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** When the store last said which model is the newest. */
  get checkedAt(): Date {
    return this.#checkedAt;
  }

  /** How often a newer model has replaced one. */
  get switches(): number {
    return this.#switches;
  }

  /** Loads the model that the name means now, if it is another one. The old one stays if that fails. */
  async check(): Promise<void> {
    const old = this.#current;
    let found: string | undefined;
    try {
      const record = await findRecord(this.#store, old.pipeline, this.name);
      this.#checkedAt = new Date();
      if (record.version !== old.version || record.seq !== old.build) {
        found = `version ${record.version}.${record.seq}`;
        this.#current = await loadChecked(this.#store, record);
        this.#switches++;
      }
      this.#problem = undefined;
    } catch (error) {
      const what = found === undefined ? 'the store was not read' : `${found} was not loaded`;
      this.#problem = `${what}, and version ${old.version}.${old.build} still answers: ${messageOf(error)}`;
    }
  }

  /**
   * Checks again and again until the signal is aborted.
   * @param onChange is called after each check that has changed the model or the problem
   */
  async follow(everyMs: number, signal: AbortSignal, onChange: () => void): Promise<void> {
    while (!signal.aborted) {
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
      `version ${model.version}.${model.build} has no answer for a row without values: run its batch again with --force`,
    );
  return model;
}
