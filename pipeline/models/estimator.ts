import { z } from 'zod';
import type { Task } from '../../contract/defaults.ts';
import { findSimilarName } from '../../contract/params.ts';
import type { Helpers } from './cart/together.ts';
import type { Encoder } from '../features/encoder.ts';
import type { Matrix } from '../features/matrix.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import type { Report } from '../progress.ts';

/**
 * A type of model: how it is fitted, and how a stored model is read. Each type has one file, and one line in
 * estimators.ts.
 */
export interface Estimator<P = unknown> {
  /** Its name in `params.model.type`. */
  readonly type: string;
  /** Packages whose versions change the bytes that it stores. They are part of the cache key of `train`. */
  readonly libraries: readonly string[];
  /** Its hyperparameters, each with a default; see {@link hyperparameters}. */
  params(task: Task): z.ZodType<P>;
  /**
   * Fits a model on the encoded rows of the train side.
   * @throws BadData when it cannot be fitted on them
   */
  fit(matrix: Matrix, encoder: Encoder, params: P, tools: FitTools): Promise<FittedModel>;
  /**
   * Reads the bytes that {@link FittedModel.serialise} returned.
   * @param what names the model in errors
   * @throws BadData when the bytes are not a model of this type and task
   */
  load(stored: StoredBytes, task: Task, what: string, options?: LoadOptions): Model;
}

/** How a model is loaded. */
export interface LoadOptions {
  /**
   * Load the model for many predictions. This program's own predictor is used, which is faster than a library and
   * returns the shares of all classes.
   */
  readonly forUse?: boolean;
}

/** What a fit may use: helper threads and a report of its progress. */
export interface FitTools {
  readonly helpers?: Helpers | undefined;
  readonly report?: Report | undefined;
}

/** A model after its fit. */
export interface FittedModel {
  describe(): Description;
  /** Returns its bytes in pieces, because all of them may be too large for memory. Equal models give equal bytes. */
  serialise(): Iterable<Uint8Array>;
}

/** Stored bytes of a model, which may be read more than once. */
export interface StoredBytes {
  readonly size: number;
  read(): Iterable<Uint8Array>;
}

/** A model that predicts. */
export interface Model {
  /** Predicts every row. */
  predict(rows: Pick<Matrix, 'rows' | 'columns'>): Prediction;
  /** The name of the package that predicts, or `retrain` for this program. */
  readonly predictor: string;
  describe(): Description;
  /**
   * Returns the importance of each feature, as shares of 1 in the encoder's order; null when it is not known.
   * @param features the number of features
   */
  importance(features: number): number[] | null;
  /**
   * Returns the model's decisions for people to read; null for a model without decisions.
   * @param most the maximum number of nodes; deeper ones are folded
   */
  outline(encoder: Encoder, most: number): Outline | null;
  /**
   * Adds the model to an ONNX graph. The model must be loaded for use.
   * @param rows the encoded rows: float64, a column for each feature
   * @param classes the number of classes; 0 for a regression
   */
  addToGraph(graph: Graph, rows: Value, classes: number): GraphPrediction;
}

/** The decisions of a model as a tree: a question about a row, a prediction, or predictions that are folded. */
export type Outline =
  | {
      readonly kind: 'question';
      /** A condition: `petal_width < 1.75`. */
      readonly text: string;
      /** The train rows that come here; null when they are not known. */
      readonly rows: number | null;
      readonly yes: Outline;
      readonly no: Outline;
    }
  | {
      readonly kind: 'answer';
      /** The class or the number that is predicted. */
      readonly text: string;
      /** The share of this class among the train rows that come here; null for a number. */
      readonly share: number | null;
      /** The index of the class in the encoder; 0 for a number. */
      readonly index: number;
    }
  | { readonly kind: 'folded'; readonly leaves: number };

/** The predictions, by row. */
export type Prediction = Classes | Numbers;

/** The predicted classes, as indexes of the encoder's classes, and the probability of each prediction. */
export interface Classes {
  readonly classes: Int32Array;
  readonly probabilities: Float64Array;
  /** The share of each class, up to the last that occurs, by row; only of a model that was loaded for use. */
  readonly shares?: readonly (readonly number[])[];
}

/**
 * Returns the probability of each class. Shares in a leaf end with the last class that occurs. Those of ml-cart are sums
 * of rounded parts, and some are above 1.
 * @param classes the number of classes
 */
export function toProbabilities(shares: readonly number[], classes: number): readonly number[] {
  const sum = shares.reduce((a, b) => a + b, 0);
  return Array.from({ length: classes }, (_, index) => (shares[index] ?? 0) / sum);
}

export interface Numbers {
  readonly numbers: Float64Array;
}

/** The predictions of a graph, by row: the index of the class as int64 and the share of each class, or a number. */
export type GraphPrediction = { classes: Value; shares: Value } | { numbers: Value };

/** The description of a model. */
export interface Description {
  /** A noun phrase for a sentence: `A decision tree of depth 3 with 5 leaves`. */
  readonly text: string;
  /** The same as numbers by name, for records and trackers. */
  readonly facts: Readonly<Record<string, number>>;
}

/**
 * Returns the schema of an estimator's hyperparameters.
 * @param type the name of the estimator, for the message about an unknown key
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
