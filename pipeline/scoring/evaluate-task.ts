import { metricSetOf } from '../../contract/metric-sets.ts';
import type { Files } from '../batches/files.ts';
import { taskOfEncoder } from '../features/encoder.ts';
import { loadRows, warnOfDropped } from '../features/matrix.ts';
import { toJsonBytes } from '../json.ts';
import type { SplitRule } from '../../contract/defaults.ts';
import { openModel } from '../models/estimators.ts';
import type { Report } from '../progress.ts';
import { findEqualRowsRule, leaveOutTrained, type TestRowsCheck } from './leakage.ts';
import { describeModel } from './report/model.ts';
import { renderReport } from './report/report.ts';
import type { ReportMetrics } from './report/scores.ts';
import { scoreModel, type Scored } from './score-model.ts';

/**
 * Scores a model on the test rows of all batches so far, and on those of the new batch alone.
 * @param input.type of the model
 * @param input.model path of its bytes
 * @param input.parts Arrow files of test rows, one per batch, the new one last; emptied as they are read
 * @param input.names of the parts
 * @param input.check which test rows are equal to train rows
 * @param input.split what decides the side of a row
 * @returns the metrics file of the version and its report, as bytes
 * @throws LeakedRows when the model was trained on one of the test rows
 */
export async function evaluateModel(
  input: {
    batch: number;
    type: string;
    model: string;
    encoder: Uint8Array;
    parts: Uint8Array[];
    names: string[];
    check: TestRowsCheck;
    split: SplitRule;
  },
  _report: Report | undefined,
  { files }: { files: Files },
): Promise<{
  metrics: Uint8Array;
  report: Uint8Array;
  facts: { test_rows: number; [fact: string]: string | number | null };
  warnings: string[];
}> {
  const { model, encoder } = openModel(input, files);
  const { batch, check, names } = input;
  const rule = findEqualRowsRule(input.split, encoder);
  const { leftOut, equal } = leaveOutTrained(check, rule, { batch, names });
  const { all, last } = loadRows(input.parts, encoder, { leftOut });
  const [whole, newBatch] = [all, last!].map((matrix) => scoreModel(model, matrix, encoder));
  const { headline } = metricSetOf(taskOfEncoder(encoder));
  const warnings = warnOfDropped(all, 'test');
  if (equal > 0) warnings.push(warnOfEqualRows(equal, leftOut !== undefined));
  if (whole === null) warnings.push('there are no test rows, so this version has no scores');
  else if (newBatch === null)
    warnings.push(`batch ${batch} has no test rows, so it has no separate scores`);
  const metrics = {
    schema: 1,
    batch,
    ...toMetrics(whole!),
    new_batch: toMetrics(newBatch!),
  };
  const confidence = whole?.confidence ?? null;
  return {
    metrics: toJsonBytes(metrics),
    report: await renderReport({ batch, metrics, confidence, ...describeModel(model, encoder) }),
    facts: {
      [headline]: whole?.numbers[headline] ?? null,
      test_rows: whole?.rows ?? 0,
      train_rows_checked: check.checked,
      ...(equal === 0 ? {} : { [leftOut === undefined ? 'equal_rows' : 'left_out']: equal }),
      scored_by: model.predictor,
      ...(confidence === null ? {} : { confidence }),
    },
    warnings,
  };
}

function warnOfEqualRows(rows: number, areLeftOut: boolean): string {
  const found =
    rows === 1 ? '1 test row is equal to a train row' : `${rows} test rows are equal to train rows`;
  return areLeftOut
    ? `${found}, because a later batch repeats test rows of an earlier one: they are left out of the scores`
    : `${found} in all features: they are scored, because what decides their side is not a feature`;
}

/** Converts scores to the shape that `dvc metrics show` prints: numbers by name. Only plotted data are lists. */
function toMetrics(scored: Scored | null): ReportMetrics {
  return scored === null
    ? { test_rows: 0 }
    : { ...scored.numbers, test_rows: scored.rows, ...scored.details };
}
