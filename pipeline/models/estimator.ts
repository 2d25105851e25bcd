import { z } from 'zod';
import type { Task } from '../../contract/defaults.ts';
import { findSimilarName } from '../../contract/params.ts';
import type { Helpers } from './cart/together.ts';
import type { Encoder } from '../features/encoder.ts';
import type { Matrix } from '../features/matrix.ts';
import type { Report } from '../progress.ts';

/**
 * A type of model: how it is fitted, and how what it stored is read. One file each, and one line in
 * estimators.ts.
 */
export interface Estimator<P = unknown> {
  /** Its name in `params.model.type`. */
  readonly type: string;
  /** Packages whose version shapes the bytes it stores: part of the cache key of `train`. */
  readonly libraries: readonly string[];
  /** Its hyperparameters, each with a default; see {@link hyperparameters}. */
  params(task: Task): z.ZodType<P>;
  /**
   * Fits a model on the encoded rows of the train side.
   * @throws BadData when it cannot be fitted on them
   */
  fit(matrix: Matrix, encoder: Encoder, params: P, tools: FitTools): Promise<FittedModel>;
  /**
   * Reads what {@link FittedModel.serialise} gave.
   * @param what names the model in errors
   * @throws BadData when the bytes are no model of this type and task
   */
  load(stored: StoredBytes, task: Task, what: string): Model;
}

/** What a fit may use: threads that help, and a report of how far it is. */
export interface FitTools {
  readonly helpers?: Helpers | undefined;
  readonly report?: Report | undefined;
}

/** A model just fitted. */
export interface FittedModel {
  describe(): Description;
  /** Its bytes in pieces, because they may be more than memory should hold. The same model gives the same bytes. */
  serialise(): Iterable<Uint8Array>;
}

/** Stored bytes of a model, which may be read more than once. */
export interface StoredBytes {
  readonly size: number;
  read(): Iterable<Uint8Array>;
}

/** A model to ask. */
export interface Model {
  /** Predicts every row. */
  predict(rows: Pick<Matrix, 'rows' | 'columns'>): Prediction;
  /** What predicts: the package by its name, or `retrain` for this program. */
  readonly predictor: string;
  describe(): Description;
  /**
   * Each feature's share in what the model learnt, in the encoder's order; null where the model cannot say.
   * @param features how many there are
   */
  importance(features: number): number[] | null;
}

/** What is predicted, by row. */
export type Prediction = Classes | Numbers;

/** Indexes of the encoder's classes, and the probability that the model gives each of them. */
export interface Classes {
  readonly classes: Int32Array;
  readonly probabilities: Float64Array;
}

export interface Numbers {
  readonly numbers: Float64Array;
}

/** What a model says of itself. */
export interface Description {
  /** A noun phrase for a sentence: `A decision tree of depth 3 with 5 leaves`. */
  readonly text: string;
  /** The same as numbers by name, for records and trackers. */
  readonly facts: Readonly<Record<string, number>>;
}

/**
 * The schema of an estimator's hyperparameters.
 * @param type names it where a key is refused
 */
export function hyperparameters<Shape extends z.ZodRawShape>(
  type: string,
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  const names = Object.keys(shape);
  const known = names.length === 0 ? 'no hyperparameters' : `only ${names.join(', ')}`;
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const similar = findSimilarName(issue.keys[0]!, names);
      const advice = similar === undefined ? '' : `did you mean model.${similar}? `;
      return `${advice}a model of type ${type} has ${known}`;
    },
  });
}
