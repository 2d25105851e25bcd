import { BadData } from '../../contract/failures.ts';
import type { CategoryFeature, Encoder, NumberFeature } from './encoder.ts';
import { type Matrix, takeRows } from './matrix.ts';
import {
  labelsOf,
  type NumberColumn,
  type Part,
  type PartColumn,
  type WordColumn,
} from './part.ts';
import { list } from '../csv/table.ts';

/** What a word the train rows do not have is encoded as. */
const UNSEEN = -1;

/**
 * Encodes a part: numbers as they are, words as their index among the encoder's categories (-1 for one
 * never seen in training). A missing cell becomes the median or the most frequent word's index (-1
 * where no train row knows the column), or under `drop` its row is left out. Columns that came after the
 * part was made are missing in it. Rows of a label the encoder leaves out are left out.
 * @throws BadData when the part has other columns than the encoder was fitted on
 */
export function applyEncoder(encoder: Encoder, part: Part): Matrix {
  if (part.columns.length > encoder.features.length) throw otherColumns(encoder, part);
  const known = new Uint8Array(part.rows).fill(1);
  const columns = encoder.features.map((feature, i) => {
    const column = part.columns[i] ?? absent(feature, part.rows);
    if (column.name !== feature.name) throw otherColumns(encoder, part);
    if (column.type === 'number' && feature.type === 'number') {
      return encodeNumbers(feature, column, known);
    }
    if (column.type === 'category' && feature.type === 'category') {
      return encodeWords(feature, column, known);
    }
    throw otherColumns(encoder, part);
  });
  const names = encoder.features.map(({ name }) => name);
  const { label } = part;
  const targets = label.type === 'number' ? label.values : undefined;
  const matrix = { rows: part.rows, names, columns, labels: labelsOf(part), targets, dropped: 0 };
  const wanted = wantedLabels(encoder, part);
  const rows = [...known.keys()];
  if (encoder.missing === 'impute') {
    return wanted === null
      ? matrix
      : takeRows(
          matrix,
          rows.filter((row) => wanted[row] === 1),
        );
  }
  const labelled = wanted === null ? rows : rows.filter((row) => wanted[row] === 1);
  const kept = labelled.filter((row) => known[row] === 1);
  return { ...takeRows(matrix, kept), dropped: labelled.length - kept.length };
}

/** 1 for each row whose label the encoder does not leave out; null where it leaves none out. */
function wantedLabels({ labels }: Encoder, { label }: Part): Uint8Array | null {
  if (labels === undefined || label.type !== 'category') return null;
  const wanted = label.words.map((word) => (labels.includes(word) ? 1 : 0));
  return Uint8Array.from(label.codes, (code) => wanted[code]!);
}

function absent({ name, type }: Encoder['features'][number], rows: number): PartColumn {
  return type === 'number'
    ? { name, type, values: new Float64Array(rows).fill(Number.NaN) }
    : { name, type, words: [], codes: new Int32Array(rows).fill(-1) };
}

/** Clears `known` at each row whose cell is missing. */
function encodeNumbers(
  { median }: NumberFeature,
  { values }: NumberColumn,
  known: Uint8Array,
): Float64Array {
  return values.map((value, row) => {
    if (!Number.isNaN(value)) return value;
    known[row] = 0;
    return median;
  });
}

/** Looks each distinct word up once, then only maps codes; clears `known` as {@link encodeNumbers} does. */
function encodeWords(
  { categories, most_frequent }: CategoryFeature,
  { words, codes }: WordColumn,
  known: Uint8Array,
): Float64Array {
  const indexOf = new Map(categories.map((word, index) => [word, index]));
  const indexes = words.map((word) => indexOf.get(word) ?? UNSEEN);
  const imputed = most_frequent === null ? UNSEEN : indexOf.get(most_frequent)!;
  const encoded = new Float64Array(codes.length);
  codes.forEach((code, row) => {
    if (code < 0) known[row] = 0;
    encoded[row] = code < 0 ? imputed : indexes[code]!;
  });
  return encoded;
}

function otherColumns(encoder: Encoder, part: Part): BadData {
  const names = (columns: readonly { name: string; type: string }[]): string =>
    list(columns.map(({ name, type }) => `${name} (${type})`));
  return new BadData(
    `the part has columns ${names(part.columns)} where the encoder has ${names(encoder.features)}: ` +
      'preprocess the batch again',
  );
}
