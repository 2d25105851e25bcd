import { setImmediate } from 'node:timers/promises';
import { Summary } from 'prom-client';
import { BadData, messageOf } from '../contract/failures.ts';
import { isSameBuild } from '../contract/versions.ts';
import type { Label } from '../pipeline/features/label-type.ts';
import type { RawColumn } from '../pipeline/predictions/predictor.ts';
import { describeUnreadable, type RawBlock } from '../pipeline/predictions/raw-block.ts';
import type { FollowedModel } from './followed-model.ts';
import type { LoadedModel } from './load-model.ts';

/** Rows, and bytes of their requests, that may wait for the shadow. Others are skipped, because answers come first. */
const MOST_WAITING = { rows: 100_000, bytes: 32_000_000 };

/** How long waiting rows are scored before requests have their turn. */
const TURN_MS = 2;

/** Classes, and pairs of them, that are counted one by one. */
const MOST_NAMES = 100;

const OTHER = 'other';

const NO_ROWS = { alike: 0, different: 0, failed: 0, skipped: 0 };

const QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/** Rows that were answered, to be scored by the shadow. */
export interface AnsweredRows {
  readonly blocks: (columns: readonly RawColumn[], delimiter: string) => Iterable<RawBlock>;
  /** Of the request. */
  readonly bytes: number;
  readonly model: LoadedModel;
  /** The predictions of the model by row; undefined for a row that another model has answered. */
  readonly predictions: readonly (Label | undefined)[];
}

type Result = 'alike' | 'different' | 'failed' | 'skipped';
type Role = 'model' | 'shadow';

/** The predictions of a model that were compared. */
export type Distribution =
  | { readonly classes: Readonly<Record<string, number>> }
  | { readonly mean: number; readonly quantiles: Readonly<Record<string, number>> };

/** Two builds, compared on the rows that the first has answered. */
export interface Comparison {
  readonly since: Date;
  readonly rows: Readonly<Record<Result, number>>;
  readonly distributions: Readonly<Record<Role, Distribution>> | undefined;
  /** Classes: the predictions that differ, the most frequent first. */
  readonly differing: readonly { model: string; shadow: string; rows: number }[] | undefined;
  /** Numbers: the mean of the absolute differences. */
  readonly meanDifference: number | undefined;
}

/**
 * A second model that scores rows after they were answered, and answers none. What is counted is about the two builds
 * in use: it begins again when one of them changes.
 */
export class Shadow {
  readonly model: FollowedModel<LoadedModel | undefined>;
  #rows: Record<Result, number> = { ...NO_ROWS };
  readonly #classes = { model: new Map<string, number>(), shadow: new Map<string, number>() };
  /** Predictions of numbers that were compared. */
  readonly numbers: Summary<'role'> = new Summary({
    name: 'retrain_predicted_number',
    help: 'Predictions of numbers that were compared, by the model that made them',
    labelNames: ['role'],
    percentiles: QUANTILES,
    registers: [],
  });
  readonly differences: Summary = new Summary({
    name: 'retrain_shadow_difference',
    help: 'Absolute differences between the numbers that both have predicted',
    percentiles: QUANTILES,
    registers: [],
  });
  readonly #pairs = new Map<string, { model: string; shadow: string; rows: number }>();
  #pair: { model: LoadedModel; shadow: LoadedModel; since: Date } | undefined;
  #failure: string | undefined;
  readonly #waiting: AnsweredRows[] = [];
  readonly #waits = { rows: 0, bytes: 0 };
  #isScoring = false;

  constructor(model: FollowedModel<LoadedModel | undefined>) {
    this.model = model;
    this.#clear();
  }

  /** Why it is not the newest, or why it could not score a row: a sentence, or undefined. */
  get problem(): string | undefined {
    return this.model.problem ?? this.#failure;
  }

  /** Rows that it was to score, by the result. */
  get rows(): Readonly<Record<Result, number>> {
    return this.#rows;
  }

  /** Predictions of classes that were compared. */
  get classes(): Readonly<Record<Role, ReadonlyMap<string, number>>> {
    return this.#classes;
  }

  /** Scores answered rows soon. */
  watch(answered: AnsweredRows): void {
    const { current } = this.model;
    if (current === undefined || isSameBuild(current, answered.model)) return;
    const rows = countCompared(answered);
    if (rows === 0) return;
    const isFull =
      this.#waits.rows + rows > MOST_WAITING.rows ||
      this.#waits.bytes + answered.bytes > MOST_WAITING.bytes;
    if (isFull && this.#waiting.length > 0) {
      this.#compare(answered.model, current);
      this.#count('skipped', rows);
      return;
    }
    this.#waits.rows += rows;
    this.#waits.bytes += answered.bytes;
    this.#waiting.push(answered);
    if (this.#isScoring) return;
    this.#isScoring = true;
    void this.#scoreWaiting();
  }

  /** What was compared; undefined before the first row. */
  async describe(): Promise<Comparison | undefined> {
    if (this.#pair === undefined) return undefined;
    const rows = { ...this.#rows };
    const isNumber = this.#pair.model.predictor.task === 'regression';
    const compared = rows.alike + rows.different;
    const describeRole = async (role: Role): Promise<Distribution> =>
      isNumber
        ? readSummary(this.numbers, role)
        : { classes: Object.fromEntries(this.#classes[role]) };
    return {
      since: this.#pair.since,
      rows,
      distributions:
        compared === 0
          ? undefined
          : { model: await describeRole('model'), shadow: await describeRole('shadow') },
      differing: isNumber
        ? undefined
        : [...this.#pairs.values()].toSorted((a, b) => b.rows - a.rows),
      meanDifference:
        isNumber && compared > 0 ? (await readSummary(this.differences)).mean : undefined,
    };
  }

  /** Scores the waiting rows. Between two blocks, requests have their turn. */
  async #scoreWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      await setImmediate();
      const turn = performance.now() + TURN_MS;
      do {
        const next = this.#waiting.shift()!;
        await this.#score(next);
        this.#waits.rows -= countCompared(next);
        this.#waits.bytes -= next.bytes;
      } while (this.#waiting.length > 0 && performance.now() < turn);
    }
    this.#isScoring = false;
  }

  async #score({ blocks, model, predictions }: AnsweredRows): Promise<void> {
    const shadow = this.model.current!;
    if (isSameBuild(shadow, model)) return;
    this.#compare(model, shadow);
    let at = 0;
    try {
      if (shadow.predictor.task !== model.predictor.task)
        throw new BadData('one model predicts classes, and the other predicts numbers');
      for (const block of blocks(shadow.predictor.columns, shadow.delimiter)) {
        if (at > 0) await setImmediate();
        const { predictions: others, unreadable } = shadow.predictor.predict(
          block.rows,
          block.read,
        );
        const own = predictions.slice(at, (at += block.rows));
        const failed = unreadable.find(({ row }) => own[row] !== undefined);
        if (failed !== undefined) this.#failure = describeUnreadable(block, failed);
        if (model.predictor.task === 'regression') this.#addNumbers(own, others);
        else this.#addClasses(own, others, { model, shadow });
      }
    } catch (error) {
      this.#failure = messageOf(error);
      const rest = predictions.slice(at).filter((own) => own !== undefined);
      this.#count('failed', rest.length);
    }
  }

  #addNumbers(own: readonly (Label | undefined)[], others: readonly (Label | null)[]): void {
    for (const [row, other] of others.entries()) {
      const one = own[row];
      if (one === undefined) continue;
      if (other === null) this.#count('failed', 1);
      else {
        this.numbers.observe({ role: 'model' }, one as number);
        this.numbers.observe({ role: 'shadow' }, other as number);
        this.differences.observe(Math.abs((one as number) - (other as number)));
        this.#count(one === other ? 'alike' : 'different', 1);
      }
    }
  }

  #addClasses(
    own: readonly (Label | undefined)[],
    others: readonly (Label | null)[],
    by: Record<Role, LoadedModel>,
  ): void {
    // The counters are slow for each row, and the pairs are few.
    const pairs = new Map<Label, Map<Label | null, number>>();
    for (const [row, other] of others.entries()) {
      const one = own[row];
      if (one === undefined) continue;
      let counts = pairs.get(one);
      if (counts === undefined) pairs.set(one, (counts = new Map()));
      counts.set(other, (counts.get(other) ?? 0) + 1);
    }
    for (const [one, counts] of pairs)
      for (const [other, rows] of counts) {
        if (other === null) this.#count('failed', rows);
        else
          this.#addPair(
            by.model.predictor.findWord(one),
            by.shadow.predictor.findWord(other),
            rows,
          );
      }
  }

  #addPair(model: string, shadow: string, rows: number): void {
    this.#countClass('model', model, rows);
    this.#countClass('shadow', shadow, rows);
    this.#count(model === shadow ? 'alike' : 'different', rows);
    if (model === shadow) return;
    const key = JSON.stringify([model, shadow]);
    const isNamed = this.#pairs.has(key) || this.#pairs.size < MOST_NAMES;
    const pair = isNamed ? { model, shadow } : { model: OTHER, shadow: OTHER };
    const name = isNamed ? key : OTHER;
    const before = this.#pairs.get(name)?.rows ?? 0;
    this.#pairs.set(name, { ...pair, rows: before + rows });
  }

  #countClass(role: Role, word: string, rows: number): void {
    const counts = this.#classes[role];
    const name = counts.has(word) || counts.size < MOST_NAMES ? word : OTHER;
    counts.set(name, (counts.get(name) ?? 0) + rows);
  }

  #count(result: Result, rows: number): void {
    this.#rows[result] += rows;
  }

  /** Begins again if these are not the two that were compared so far. */
  #compare(model: LoadedModel, shadow: LoadedModel): void {
    if (this.#pair?.model === model && this.#pair.shadow === shadow) return;
    this.#pair = { model, shadow, since: new Date() };
    this.#failure = undefined;
    this.#clear();
  }

  #clear(): void {
    this.#rows = { ...NO_ROWS };
    for (const counted of [this.#classes.model, this.#classes.shadow, this.#pairs]) counted.clear();
    // What is only reset shows zeros, also where classes are compared.
    for (const role of ['model', 'shadow'] as const) this.numbers.remove(role);
    this.differences.remove();
  }
}

function countCompared({ predictions }: AnsweredRows): number {
  return predictions.filter((own) => own !== undefined).length;
}

/** The mean and the quantiles of what a summary has observed. */
async function readSummary(summary: Summary, role?: Role) {
  const { name, values } = (await summary.get()) as {
    name: string;
    values: { metricName?: string; labels: { role?: string; quantile?: number }; value: number }[];
  };
  const own = values.filter(({ labels }) => labels.role === role);
  const part = (suffix: string): number =>
    own.find(({ metricName }) => metricName === `${name}_${suffix}`)!.value;
  const quantiles = own.flatMap(({ labels: { quantile }, value }) =>
    quantile === undefined ? [] : [[String(quantile), value] as const],
  );
  return { mean: part('sum') / part('count'), quantiles: Object.fromEntries(quantiles) };
}
