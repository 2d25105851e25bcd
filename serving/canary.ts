import { isSameBuild } from '../contract/versions.ts';
import { hashCells } from '../pipeline/batches/split.ts';
import type { Predictor } from '../pipeline/predictions/predictor.ts';
import type { RawBlock } from '../pipeline/predictions/raw-block.ts';
import type { FollowedModel } from './followed-model.ts';
import type { LoadedModel } from './load-model.ts';

/** It must never change: it decides which model answers a key. */
const CANARY_KEY = 'incremental-retraining/canary/1\n';

export interface CanaryOptions {
  readonly model: FollowedModel<LoadedModel | undefined>;
  /** The share of keys that it answers, from 0 to 1. */
  readonly share: number;
  /** The column of the keys; undefined for all columns that the model reads. */
  readonly key: string | undefined;
}

/** The rows of a block that the canary answers, and how many of the others have no key. */
interface Selection {
  readonly rows: number[];
  readonly withoutKey: number;
}

/** A second model that answers a share of the keys. A key always gets the same model. */
export class Canary {
  readonly model: FollowedModel<LoadedModel | undefined>;
  readonly share: number;
  readonly key: string | undefined;
  /** Rows that had no key, and were answered by the model. */
  withoutKey = 0;
  /** Rows that it could not answer, and that the model has answered. */
  failed = 0;
  #failure: string | undefined;

  constructor({ model, share, key }: CanaryOptions) {
    this.model = model;
    this.share = share;
    this.key = key;
  }

  /** Why it is not the newest, or why it could not answer a row: a sentence, or undefined. */
  get problem(): string | undefined {
    return this.model.problem ?? this.#failure;
  }

  /** The model that answers its keys; undefined if none is loaded, or if it is the same as the other. */
  pickOther(model: LoadedModel): LoadedModel | undefined {
    const { current } = this.model;
    return current !== undefined && isSameBuild(current, model) ? undefined : current;
  }

  /**
   * Selects the rows of a block that it answers.
   * @param predictor of the model that answers the others; it reads the columns of a row without a key column
   */
  select({ rows, valueOf }: RawBlock, predictor: Predictor): Selection {
    const selected: number[] = [];
    let withoutKey = 0;
    for (let row = 0; row < rows; row++) {
      const cells =
        this.key === undefined
          ? predictor.columns.map(({ name }) => predictor.readCell(name, valueOf(name, row)))
          : [readKey(valueOf(this.key, row))];
      if (this.key !== undefined && cells[0] === null) withoutKey++;
      else if (hashCells(CANARY_KEY, cells) < this.share) selected.push(row);
    }
    return { rows: selected, withoutKey };
  }

  /** Notes rows that it could not answer, although the model could. */
  noteFailure(rows: number, sentence: string): void {
    this.failed += rows;
    this.#failure = sentence;
  }
}

/** A key as text, so that 7 in JSON is the key 7 in CSV; null where there is none. */
function readKey(value: unknown): string | null {
  const isKey = ['string', 'number', 'boolean'].includes(typeof value);
  const text = isKey ? String(value).trim() : '';
  return text === '' ? null : text;
}
