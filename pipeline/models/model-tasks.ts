import type { Crew } from './cart/crew.ts';
import type { FittedTree } from './cart/fitted-tree.ts';
import { applyEncoder } from '../features/apply-encoder.ts';
import { partFromArrow, rowsInArrow } from '../features/arrow.ts';
import { BadData } from '../../contract/failures.ts';
import type { Files } from '../batches/files.ts';
import { encoderFromJson, type Encoder } from '../features/encoder.ts';
import { featureImportance } from './importance.ts';
import { toJsonBytes } from '../json.ts';
import { concatMatrices, type Matrix } from '../features/matrix.ts';
import type { Scored } from './learner.ts';
import { learnerOf } from './learners.ts';
import { describeTree } from './predict.ts';
import { within, type Report } from '../progress.ts';
import { renderReport } from '../scoring/report/page.ts';
import { treeFromJson, treeToJson, type TreeModel, type TreeParams } from './tree.ts';

/**
 * Fits a tree on the train rows of all batches.
 * @param input.parts Arrow files of train rows; the list is emptied as they are read
 * @param input.into path of a file, not there yet, that the tree's JSON is written to
 * @throws BadData when there are no rows to fit on
 */
export async function fitTree(
  input: { parts: Uint8Array[]; encoder: Uint8Array; model: TreeParams; into: string },
  report: Report | undefined,
  { crew, files }: { crew?: Crew; files: Files },
): Promise<{
  rows: number;
  depth: number;
  leaves: number;
  warnings: string[];
}> {
  const encoder = encoderFromJson(input.encoder);
  const { model, rows, warnings } = await fitModel(input, encoder, report, crew);
  const { depth, leaves } = model.grown.measure();
  for (const piece of treeToJson(model)) files.append(input.into, piece);
  return { rows, depth, leaves, warnings };
}

/** A function of its own, for its rows are not to be kept while the model is written. */
async function fitModel(
  input: { parts: Uint8Array[]; model: TreeParams },
  encoder: Encoder,
  report: Report | undefined,
  crew: Crew | undefined,
): Promise<{ model: FittedTree; rows: number; warnings: string[] }> {
  const { all: matrix } = load(input.parts, encoder, within(report, 0, 0.2));
  if (matrix.rows === 0)
    throw new BadData(
      'every train row has a missing cell and preprocess.missing is drop: set it to impute, or add data',
    );
  const progress = within(report, 0.2, 1);
  const model = await learnerOf(encoder).fit(matrix, encoder, input.model, crew, progress);
  return { model, rows: matrix.rows, warnings: droppedFrom(matrix, 'train') };
}

/**
 * Scores a model on the test rows of everything so far and of the new batch alone.
 * @param input.model path of the tree's JSON
 * @param input.parts Arrow files of test rows, one per batch, the new one last; emptied as they are read
 * @returns the metrics file of the version and its report, as bytes
 */
export function evaluate(
  input: { batch: number; model: string; encoder: Uint8Array; parts: Uint8Array[] },
  _report: Report | undefined,
  { files }: { files: Files },
): {
  metrics: Uint8Array;
  report: Uint8Array;
  facts: Record<string, number | null>;
  warnings: string[];
} {
  const encoder = encoderFromJson(input.encoder);
  const { score, metrics, tree } = learnerOf(encoder);
  const model = treeFromJson(files.read(input.model), tree);
  const { all, last } = load(input.parts, encoder);
  const [whole, newBatch] = [all, last!].map((matrix) => score(model, matrix, encoder));
  const { headline } = metrics;
  const warnings = droppedFrom(all, 'test');
  if (whole === null) warnings.push('there are no test rows, so this version has no scores');
  else if (newBatch === null)
    warnings.push(`batch ${input.batch} has no test rows, so it has no scores of its own`);
  return {
    metrics: toJsonBytes({
      schema: 1,
      batch: input.batch,
      ...fileOf(whole!),
      new_batch: fileOf(newBatch!),
    }),
    report: renderReport({
      batch: input.batch,
      whole: whole!,
      newBatch: newBatch!,
      ...describeTree(model),
      importance: importanceOf(model, encoder),
    }),
    facts: { [headline]: whole?.numbers[headline] ?? null, test_rows: whole?.rows ?? 0 },
    warnings,
  };
}

/**
 * All rows of some parts, and those of the last alone.
 * @param parts taken out of this list as they are read, lest they are held beside the rows
 */
function load(
  parts: Uint8Array[],
  encoder: Encoder,
  report?: Report,
): { all: Matrix; last: Matrix | undefined } {
  const most = parts.reduce((sum, bytes) => sum + rowsInArrow(bytes), 0);
  const count = parts.length;
  let last: Matrix | undefined;
  function* each(): Generator<Matrix> {
    for (let bytes = parts.shift(); bytes !== undefined; bytes = parts.shift()) {
      last = applyEncoder(encoder, partFromArrow(bytes));
      report?.(1 - parts.length / count);
      yield last;
    }
  }
  return { all: concatMatrices(each(), most), last };
}

function importanceOf(
  model: TreeModel,
  { features }: Encoder,
): { feature: string; share: number }[] {
  const shares = featureImportance(model, features.length);
  return features.map(({ name }, i) => ({ feature: name, share: shares[i]! }));
}

/** A score in the shape `dvc metrics show` prints: numbers under names, no lists but what is drawn. */
function fileOf(scored: Scored | null): Record<string, unknown> {
  return scored === null
    ? { test_rows: 0 }
    : { ...scored.numbers, test_rows: scored.rows, ...scored.details };
}

function droppedFrom({ dropped }: Matrix, side: string): string[] {
  return dropped === 0 ? [] : [`${dropped} ${side} rows with a missing cell are left out`];
}
