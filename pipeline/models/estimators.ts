import type { Params } from '../../contract/params.ts';
import { modelTypeOf } from '../../contract/defaults.ts';
import { BadParams } from '../../contract/failures.ts';
import { baseline } from './baseline.ts';
import { decisionTree } from './decision-tree.ts';
import type { Files } from '../batches/files.ts';
import { type Encoder, encoderFromJson, taskOfEncoder } from '../features/encoder.ts';
import type { Estimator, LoadOptions, Model, StoredBytes } from './estimator.ts';
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

/** A stored model: its type, its bytes, and the bytes of its encoder. */
export interface StoredParts {
  /** `params.model.type` of its version. */
  readonly type: string;
  readonly model: StoredBytes;
  readonly encoder: Uint8Array;
}

/** A stored model whose bytes are in a file. */
export interface StoredModel extends Omit<StoredParts, 'model'> {
  readonly model: string;
}

/**
 * Opens a stored model.
 * @param of the version, for errors
 * @throws BadData when the bytes are not those of a model and an encoder
 */
export function openModel(
  { model: path, ...parts }: StoredModel,
  files: Pick<Files, 'size' | 'read'>,
  of?: string,
): { model: Model; encoder: Encoder } {
  return openParts({ ...parts, model: readStored(path, files) }, { of });
}

/**
 * Opens a model whose bytes are in memory, or in a file by {@link readStored}.
 * @throws like {@link openModel}
 */
export function openParts(
  { type, model: stored, encoder: bytes }: StoredParts,
  { of, ...options }: LoadOptions & { readonly of?: string | undefined },
): { model: Model; encoder: Encoder } {
  const name = (what: string): string => (of === undefined ? what : `${what} of ${of}`);
  const encoder = encoderFromJson(bytes, name('the encoder'));
  const task = taskOfEncoder(encoder);
  return { model: estimatorOf({ type }).load(stored, task, name('the model'), options), encoder };
}

/** The bytes of a model in a file. */
export function readStored(path: string, files: Pick<Files, 'size' | 'read'>): StoredBytes {
  return { size: files.size(path), read: () => files.read(path) };
}

/** Returns all types in one phrase: `a, b or c`. */
export function typeNames(): string {
  const names = ESTIMATORS.map(({ type }) => type);
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
