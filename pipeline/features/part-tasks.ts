import type { DatePart } from '../../contract/defaults.ts';
import { partFromArrow, partToArrow } from './part.ts';
import type { Column } from '../batches/columns.ts';
import type { OnChange } from '../batches/conform.ts';
import { type Counts, countsFromJson, countsToJson, mergeCounts } from './counts.ts';
import { CsvReader } from '../csv/reader.ts';
import { encodeBatch, type EncodeOptions } from './encode.ts';
import { encoderToJson, fitEncoder, type MissingRule } from './encoder.ts';
import { type BatchParts, findNewWords, collectVocabulary, warnOfNewWords } from './vocabulary.ts';
import { warnOfSplit } from './split-warnings.ts';

/** Splits and encodes one batch, from canonical CSV to Arrow and counts. */
export function encodePart(
  input: EncodeOptions & { bytes: Uint8Array; file: string; columns: Column[] },
): {
  train: Uint8Array;
  test: Uint8Array;
  counts: Uint8Array;
  trainRows: number;
  testRows: number;
  warnings: string[];
} {
  const reader = new CsvReader([input.bytes], input.file);
  const { train, test, counts, timeless } = encodeBatch(reader, input.columns, input);
  const { unlabelled } = counts;
  return {
    train: partToArrow(train),
    test: partToArrow(test),
    counts: countsToJson(counts),
    trainRows: train.table.numRows(),
    testRows: test.table.numRows(),
    warnings: [
      ...(unlabelled > 0 ? [`${unlabelled} rows without a label are left out`] : []),
      ...(timeless > 0 ? [`${timeless} rows without a time are train rows`] : []),
    ],
  };
}

/**
 * Merges the counts of any number of batches, in their order.
 * @param input.until the last batch; each of the counts but the first is that of one batch
 * @returns also warnings about words that a batch has and the batches before it do not
 */
export function addCounts(input: { counts: Uint8Array[]; until: number; target: string }): {
  counts: Uint8Array;
  warnings: string[];
} {
  const { sum, warnings } = mergeAll(input);
  return { counts: countsToJson(sum), warnings };
}

/** Merges counts. Parsed counts take much more memory than their bytes, so at most two are held parsed. */
function mergeAll({ counts, until, target }: Parameters<typeof addCounts>[0]): {
  sum: Counts;
  warnings: string[];
} {
  const [first, ...others] = counts;
  let sum = countsFromJson(first!);
  const warnings: string[] = [];
  for (const [i, bytes] of others.entries()) {
    const one = countsFromJson(bytes);
    warnings.push(...warnOfNewWords(sum, one, until - others.length + 1 + i, target));
    sum = mergeCounts(sum, one);
  }
  return { sum, warnings };
}

/**
 * Fits the encoder of a version on the counts of its batches.
 * @param input.counts as in {@link addCounts}
 * @param input.words set if not every new word is learnt: the batches that hold the known words, and the batches to
 *   check for new words, each with both parts
 * @throws BadData when there are no train rows, or a new word is refused
 */
export function fitFromCounts(input: {
  counts: Uint8Array[];
  until: number;
  columns: Column[];
  target: string;
  testSize: number;
  missing: MissingRule;
  dateParts: DatePart[];
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
  const { sum: merged, warnings: learnt } = mergeAll(input);
  const { missing, words, dateParts } = input;
  const known = words && collectVocabulary(words.known.map(readParts), input.columns);
  const unknown =
    words?.fresh.flatMap((batch) => findNewWords(known!, readParts(batch), words.rule)) ?? learnt;
  const vocabulary = words?.rule === 'ignore' ? known : undefined;
  const { encoder, warnings } = fitEncoder(merged, input.columns, input.target, {
    missing,
    vocabulary,
    dateParts,
  });
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
