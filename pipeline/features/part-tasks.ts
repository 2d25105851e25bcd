import { partFromArrow, partToArrow } from './part.ts';
import type { Column } from '../batches/columns.ts';
import type { OnChange } from '../batches/conform.ts';
import { type Counts, countsFromJson, countsToJson, mergeCounts } from './counts.ts';
import type { CellSettings } from '../csv/cells.ts';
import { CsvReader } from '../csv/reader.ts';
import { encodeBatch } from './encode.ts';
import { encoderToJson, fitEncoder as fit, type MissingRule } from './encoder.ts';
import { type BatchParts, findNewWords, collectVocabulary } from './vocabulary.ts';
import { warnOfSplit } from './split-warnings.ts';

/** Splits and encodes one batch, from canonical CSV to Arrow and counts. */
export function encodePart(input: {
  bytes: Uint8Array;
  file: string;
  columns: Column[];
  target: string;
  cells: CellSettings;
  testSize: number;
  key: string[] | null;
}): {
  train: Uint8Array;
  test: Uint8Array;
  counts: Uint8Array;
  trainRows: number;
  testRows: number;
  warnings: string[];
} {
  const reader = new CsvReader([input.bytes], input.file);
  const { train, test, counts } = encodeBatch(reader, input.columns, input);
  const { unlabelled } = counts;
  return {
    train: partToArrow(train),
    test: partToArrow(test),
    counts: countsToJson(counts),
    trainRows: train.table.numRows(),
    testRows: test.table.numRows(),
    warnings: unlabelled > 0 ? [`${unlabelled} rows without a label are left out`] : [],
  };
}

/** Merges the counts of any number of batches. */
export function addCounts(input: { counts: Uint8Array[] }): { counts: Uint8Array } {
  return { counts: countsToJson(mergeAll(input.counts)) };
}

/** Merges counts. Parsed counts take much more memory than their bytes, so at most two are held parsed. */
function mergeAll([first, ...others]: readonly Uint8Array[]): Counts {
  let sum = countsFromJson(first!);
  for (const bytes of others) sum = mergeCounts(sum, countsFromJson(bytes));
  return sum;
}

/**
 * Fits the encoder of a version on the counts of its batches.
 * @param input.counts of single batches or of earlier versions, in any order
 * @param input.words set if not every new word is learnt: the batches that hold the known words, and the batches to
 *   check for new words, each with both parts
 * @throws BadData when there are no train rows, or a new word is refused
 */
export function fitEncoder(input: {
  counts: Uint8Array[];
  columns: Column[];
  target: string;
  testSize: number;
  missing: MissingRule;
  what: string;
  words?: { rule: OnChange; known: BatchFiles[]; fresh: BatchFiles[] } | undefined;
}): {
  encoder: Uint8Array;
  counts: Uint8Array;
  trainRows: number;
  testRows: number;
  features: number;
  /** Undefined if the target is a number. */
  classes: number | undefined;
  warnings: string[];
} {
  const merged = mergeAll(input.counts);
  const { missing, words } = input;
  const known = words && collectVocabulary(words.known.map(readParts), input.columns);
  const unknown =
    words?.fresh.flatMap((batch) => findNewWords(known!, readParts(batch), words.rule)) ?? [];
  const vocabulary = words?.rule === 'ignore' ? known : undefined;
  const { encoder, warnings } = fit(merged, input.columns, input.target, { missing, vocabulary });
  return {
    encoder: encoderToJson(encoder),
    counts: countsToJson(merged),
    trainRows: merged.train.rows,
    testRows: merged.test.rows,
    features: encoder.features.length,
    classes: encoder.classes?.length,
    warnings: [...unknown, ...warnOfSplit(merged, input.testSize, input.what), ...warnings],
  };
}

/** Both parts of a batch, as files. */
export interface BatchFiles {
  batch: number;
  parts: Uint8Array[];
}

function readParts({ batch, parts }: BatchFiles): BatchParts {
  return { batch, parts: parts.map((bytes) => partFromArrow(bytes)) };
}
