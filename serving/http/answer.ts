import { setImmediate } from 'node:timers/promises';
import { BadData, messageOf } from '../../contract/failures.ts';
import type { Label } from '../../pipeline/features/label-type.ts';
import type { Predictor, RowPredictions } from '../../pipeline/predictions/predictor.ts';
import { describeUnreadable, type RawBlock } from '../../pipeline/predictions/raw-block.ts';
import type { Canary } from '../canary.ts';
import type { LoadedModel } from '../load-model.ts';
import type { LoggedRequest } from '../request-log.ts';
import type { ScoringRequest } from './frame.ts';

/** The answer to a request for predictions. */
export interface Answer {
  /** The predictions as JSON, by row. */
  readonly texts: readonly string[];
  /** The predictions of the model by row; undefined where the canary has answered. */
  readonly predictions: readonly (Label | undefined)[];
  /** The canary, if it has answered some rows, and how many. */
  readonly canary: { readonly model: LoadedModel; readonly rows: number } | undefined;
}

/**
 * Answers all rows of a request. Between the blocks of a long one, other requests have their turn.
 * @param model one model, also if a newer one is loaded meanwhile
 * @param logged gets every row with its answer
 * @throws BadData that names the first row that cannot be read
 */
export async function answerRequest(
  request: ScoringRequest,
  model: LoadedModel,
  { canary, logged }: { canary?: Canary | undefined; logged?: LoggedRequest | undefined },
): Promise<Answer> {
  const texts: string[] = [];
  const predictions: (Label | undefined)[] = [];
  const canaryRows = canary === undefined ? undefined : CanaryRows.open(canary, request, model);
  for (const block of request.blocks(model.predictor.columns, model.delimiter)) {
    const first = texts.length;
    if (first > 0) await setImmediate();
    const byCanary = canaryRows?.answer(block, request.proba);
    const rest = byCanary === undefined ? block : selectRows(block, byCanary.others);
    const own = answerBlock(model.predictor, rest, request.proba);
    if (byCanary === undefined) {
      for (const text of own.texts) texts.push(text);
      for (const label of own.answers.predictions) predictions.push(label!);
      logged?.add(block, model, own.answers, (row) => first + row);
      continue;
    }
    const { rows, others } = byCanary;
    for (let row = 0; row < block.rows; row++) predictions.push(undefined);
    for (const [i, row] of rows.entries()) texts[first + row] = byCanary.texts[i]!;
    for (const [i, row] of others.entries()) {
      texts[first + row] = own.texts[i]!;
      predictions[first + row] = own.answers.predictions[i]!;
    }
    logged?.add(byCanary.block, canaryRows!.model, byCanary.answers, (i) => first + rows[i]!);
    logged?.add(rest, model, own.answers, (i) => first + others[i]!);
  }
  canaryRows?.settle();
  logged?.commit();
  const count = canaryRows?.count ?? 0;
  return {
    texts,
    predictions,
    canary: count === 0 ? undefined : { model: canaryRows!.model, rows: count },
  };
}

/** Reads the rows of a request for the canary, in the same blocks as they are read for the model. */
class CanaryRows {
  readonly model: LoadedModel;
  readonly #canary: Canary;
  readonly #predictor: Predictor;
  /** Undefined once the rows could not be read. */
  #blocks: Iterator<RawBlock> | undefined;
  /** Why it could not answer a block; then it answers no later one. */
  #failure: string | undefined;
  #failed = 0;
  #withoutKey = 0;
  /** Rows that it has answered. */
  count = 0;

  private constructor(
    canary: Canary,
    model: LoadedModel,
    predictor: Predictor,
    blocks: Iterator<RawBlock>,
  ) {
    this.#canary = canary;
    this.model = model;
    this.#predictor = predictor;
    this.#blocks = blocks;
  }

  /** @returns undefined while the canary is not another model than the one that answers */
  static open(canary: Canary, request: ScoringRequest, model: LoadedModel): CanaryRows | undefined {
    const other = canary.pickOther(model);
    if (other === undefined) return undefined;
    const { predictor, delimiter } = other;
    const blocks = iterate(() => request.blocks(predictor.columns, delimiter));
    return new CanaryRows(canary, other, model.predictor, blocks);
  }

  /** Answers the rows of a block that are the canary's. @returns undefined if there are none, or if it cannot */
  answer(block: RawBlock, proba: boolean) {
    const { rows, withoutKey } = this.#canary.select(block, this.#predictor);
    this.#withoutKey += withoutKey;
    try {
      const own = this.#blocks?.next().value as RawBlock | undefined;
      if (own === undefined) this.#failed += rows.length;
      if (rows.length === 0 || own === undefined) return undefined;
      const part = selectRows(own, rows);
      const answered = answerBlock(this.model.predictor, part, proba);
      this.count += rows.length;
      const taken = new Set(rows);
      const others = Array.from({ length: block.rows }, (_, row) => row).filter(
        (row) => !taken.has(row),
      );
      return { rows, others, block: part, ...answered };
    } catch (error) {
      this.#blocks = undefined;
      this.#failure = messageOf(error);
      this.#failed += rows.length;
      return undefined;
    }
  }

  /**
   * Counts what it did not answer. Call it after the model has answered the rest. If the model fails, the request is at
   * fault, not the canary.
   */
  settle(): void {
    this.#canary.withoutKey += this.#withoutKey;
    if (this.#failure !== undefined) this.#canary.noteFailure(this.#failed, this.#failure);
  }
}

/** Begins to read the blocks when the first one is asked for. */
function* iterate(open: () => Iterable<RawBlock>): Generator<RawBlock> {
  yield* open();
}

/** Some rows of a block. */
function selectRows(block: RawBlock, rows: readonly number[]): RawBlock {
  return {
    rows: rows.length,
    read: (reader, row) => block.read(reader, rows[row]!),
    locate: (row) => block.locate(rows[row]!),
    valueOf: (column, row) => block.valueOf(column, rows[row]!),
  };
}

/**
 * Predicts the rows of a block.
 * @returns with the predictions as JSON: a label or a number per row or, with probabilities, an object by the words of
 *   the classes, as MLflow's server writes the DataFrame of such a model
 * @throws BadData that names the first row that cannot be read
 */
function answerBlock(
  predictor: Predictor,
  block: RawBlock,
  proba: boolean,
): { texts: string[]; answers: RowPredictions } {
  if (proba && predictor.words === undefined)
    throw new BadData('params.proba is true, and a regression has no probabilities: leave it out');
  const answers = predictor.predict(block.rows, block.read);
  const [first] = answers.unreadable;
  if (first !== undefined)
    throw new BadData(
      `${describeUnreadable(block, first)}: correct it, or give null where it is not known`,
    );
  const texts = proba ? formatShares(predictor.words!, answers) : formatLabels(predictor, answers);
  return { texts, answers };
}

function formatLabels({ labelType }: Predictor, { predictions }: RowPredictions): string[] {
  const written = new Map<Label, string>();
  const format = (label: Label): string => {
    // The numbers of a regression may all differ.
    if (labelType === 'double') return formatDouble(label as number);
    let text = written.get(label);
    if (text === undefined) {
      text = typeof label === 'bigint' ? String(label) : JSON.stringify(label);
      written.set(label, text);
    }
    return text;
  };
  return predictions.map((label) => format(label!));
}

/** With a point or an exponent, so that Python reads a whole number as a float too. */
function formatDouble(number: number): string {
  const text = JSON.stringify(number);
  return Number.isInteger(number) && !text.includes('e') ? `${text}.0` : text;
}

function formatShares(words: readonly string[], { shares }: RowPredictions): string[] {
  const names = words.map((word) => JSON.stringify(word));
  const written = new Map<readonly number[], string>();
  const format = (leaf: readonly number[]): string => {
    let text = written.get(leaf);
    if (text === undefined) {
      text = `{${leaf.map((share, i) => `${names[i]}:${formatDouble(share)}`).join(',')}}`;
      written.set(leaf, text);
    }
    return text;
  };
  return shares!.map((leaf) => format(leaf!));
}
