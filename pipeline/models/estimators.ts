import type { Params } from '../../contract/params.ts';
import { modelTypeOf } from '../../contract/defaults.ts';
import { BadParams } from '../../contract/failures.ts';
import { baseline } from './baseline.ts';
import { decisionTree } from './decision-tree.ts';
import type { Files } from '../batches/files.ts';
import { type Encoder, encoderFromJson, taskOfEncoder } from '../features/encoder.ts';
import type { Estimator, Model } from './estimator.ts';
import { mlCart } from './ml-cart.ts';

/** The types of models, the default first. A new type adds one line here. */
const ESTIMATORS: readonly Estimator[] = [decisionTree, mlCart, baseline];

/** Returns the estimator of a type; undefined when there is none. */
export function findEstimator(type: string): Estimator | undefined {
  return ESTIMATORS.find((estimator) => estimator.type === type);
}

/**
 * Returns the estimator that the params name.
 * @throws BadParams when this program does not have the type
 */
export function estimatorOf(model: Partial<Pick<Params['model'], 'type'>>): Estimator {
  const type = modelTypeOf(model);
  const found = findEstimator(type);
  if (found === undefined)
    throw new BadParams(`model.type is ${JSON.stringify(type)}: expected ${typeNames()}`);
  return found;
}

/** A stored model: its type, the file of its bytes, and the bytes of its encoder. */
export interface StoredModel {
  readonly type: string;
  readonly model: string;
  readonly encoder: Uint8Array;
}

/**
 * Opens a stored model.
 * @param of the version, for errors
 * @throws BadData when the bytes are not those of a model and an encoder
 */
export function openModel(
  { type, model: path, encoder: bytes }: StoredModel,
  files: Pick<Files, 'size' | 'read'>,
  of?: string,
): { model: Model; encoder: Encoder } {
  const name = (what: string): string => (of === undefined ? what : `${what} of ${of}`);
  const encoder = encoderFromJson(bytes, name('the encoder'));
  const stored = { size: files.size(path), read: () => files.read(path) };
  const model = estimatorOf({ type }).load(stored, taskOfEncoder(encoder), name('the model'));
  return { model, encoder };
}

/** Returns all types in one phrase: `a, b or c`. */
export function typeNames(): string {
  const names = ESTIMATORS.map(({ type }) => type);
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
