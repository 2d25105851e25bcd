import { parseNumber } from '../csv/cells.ts';
import type { Encoder } from './encoder.ts';

/** The type of labels, in the words of MLflow's signatures. */
export type LabelType = 'boolean' | 'long' | 'double' | 'string';

/** A label as a value, of the type that pandas gives a column of such labels. Integers beyond 2^53 are bigint. */
export type Label = boolean | number | bigint | string;

const BOOLEANS = /^(?:true|false)$/i;

/** Finds the type that pandas gives the column of labels; a regression predicts `double`. */
export function findLabelType({ classes }: Pick<Encoder, 'classes'>): LabelType {
  if (classes === undefined) return 'double';
  if (classes.every((label) => BOOLEANS.test(label))) return 'boolean';
  if (classes.every(isLong)) return 'long';
  return classes.every((label) => parseNumber(label) !== null) ? 'double' : 'string';
}

/** Gives a label its type. */
export function toLabel(word: string, type: LabelType): Label {
  if (type === 'boolean') return word.toLowerCase() === 'true';
  if (type === 'string') return word;
  const number = Number(word);
  return type === 'double' || Number.isSafeInteger(number) ? number + 0 : BigInt(word);
}

function isLong(label: string): boolean {
  return /^[+-]?\d{1,40}$/.test(label) && BigInt.asIntN(64, BigInt(label)) === BigInt(label);
}
