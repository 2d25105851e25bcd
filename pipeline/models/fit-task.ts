import { BadData } from '../../contract/failures.ts';
import { taskOf } from '../../contract/defaults.ts';
import type { Params } from '../../contract/params.ts';
import type { Helpers } from './cart/together.ts';
import type { FittedModel } from './estimator.ts';
import { estimatorOf } from './estimators.ts';
import type { Files } from '../batches/files.ts';
import { encoderFromJson, type Encoder } from '../features/encoder.ts';
import { warnOfContradictions } from '../features/contradictions.ts';
import { loadRows, warnOfDropped } from '../features/matrix.ts';
import { scaleReport, type Report } from '../progress.ts';

/**
 * Fits a model on the train rows of all batches.
 * @param input.parts Arrow files of train rows; the list is emptied as they are read
 * @param input.into path of a file that does not exist yet, which the model's bytes are written to
 * @returns the number of rows it was fitted on, the numbers that describe the model, and warnings
 * @throws BadData when no model can be fitted on them
 */
export async function fitModel(
  input: { parts: Uint8Array[]; encoder: Uint8Array; model: Params['model']; into: string },
  report: Report | undefined,
  { helpers, files }: { helpers?: Helpers; files: Files },
): Promise<{ facts: { rows: number; [fact: string]: number }; warnings: string[] }> {
  const encoder = encoderFromJson(input.encoder);
  const { model, rows, warnings } = await fitOnRows(input, encoder, report, helpers);
  for (const piece of model.serialise()) files.append(input.into, piece);
  return { facts: { rows, ...model.describe().facts }, warnings };
}

/** A separate function, so that the memory of its rows is free while the model is written. */
async function fitOnRows(
  input: { parts: Uint8Array[]; model: Params['model'] },
  encoder: Encoder,
  report: Report | undefined,
  helpers: Helpers | undefined,
): Promise<{ model: FittedModel; rows: number; warnings: string[] }> {
  const { all: matrix, sizes } = loadRows(input.parts, encoder, {
    report: scaleReport(report, 0, 0.2),
  });
  if (matrix.rows === 0)
    throw new BadData(
      'every train row has a missing cell and preprocess.missing is drop: set it to impute, or add data',
    );
  const { type, task: _, ...own } = input.model;
  const estimator = estimatorOf({ type });
  const hyperparameters = estimator.params(taskOf(input)).parse(own);
  const tools = { helpers, report: scaleReport(report, 0.2, 1) };
  const model = await estimator.fit(matrix, encoder, hyperparameters, tools);
  const warnings = [...warnOfDropped(matrix, 'train'), ...warnOfContradictions(matrix, sizes)];
  return { model, rows: matrix.rows, warnings };
}
