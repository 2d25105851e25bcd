import { partToArrow } from './arrow.ts';
import type { Column } from './columns.ts';
import { countsFromJson, countsToJson, mergeCounts } from './counts.ts';
import { CsvReader } from './csv-reader.ts';
import { encodeBatch } from './encode.ts';
import { encoderToJson, fitEncoder as fit, type MissingRule } from './encoder.ts';
import { splitWarnings } from './warnings.ts';

/** Splits and encodes one batch, from canonical CSV to Arrow and counts. */
export function encodePart(input: {
  bytes: Uint8Array;
  file: string;
  columns: Column[];
  target: string;
  missingValues: string[];
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
    trainRows: train.rows,
    testRows: test.rows,
    warnings: unlabelled > 0 ? [`${unlabelled} rows without a label are left out`] : [],
  };
}

/**
 * Fits the encoder of a version over its batches' counts.
 * @param input.counts of single batches or of earlier versions, in any order
 * @throws BadData when there are no train rows
 */
export function fitEncoder(input: {
  counts: Uint8Array[];
  columns: Column[];
  target: string;
  testSize: number;
  missing: MissingRule;
  what: string;
}): {
  encoder: Uint8Array;
  counts: Uint8Array;
  trainRows: number;
  testRows: number;
  features: number;
  classes: number;
  warnings: string[];
} {
  const merged = input.counts
    .map((bytes) => countsFromJson(bytes))
    .reduce((a, b) => mergeCounts(a, b));
  const { encoder, warnings } = fit(merged, input.columns, input.target, input);
  return {
    encoder: encoderToJson(encoder),
    counts: countsToJson(merged),
    trainRows: merged.train.rows,
    testRows: merged.test.rows,
    features: encoder.features.length,
    classes: encoder.classes.length,
    warnings: [...splitWarnings(merged, input.testSize, input.what), ...warnings],
  };
}
