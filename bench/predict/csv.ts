/** Predicts a CSV file into another one, as `retrain predict` does, in its own process. Prints the seconds as JSON. */
import { readFileSync } from 'node:fs';
import { openPredictions } from '../../client/commands/predict/predictions.ts';
import { openRows } from '../../client/commands/predict/rows.ts';
import { Predictor } from '../../pipeline/predictions/predictor.ts';
import { took } from '../measure.ts';

export interface CsvJob {
  rows: string;
  out: string;
  model: string;
  encoder: string;
}

const job = JSON.parse(process.argv[2]!) as CsvJob;
const model = readFileSync(job.model);
const predictor = new Predictor({
  type: 'decision_tree',
  model: { size: model.length, read: () => [model] },
  encoder: readFileSync(job.encoder),
  cells: { missing: [''] },
  rejectsUnseen: false,
});
const taken = await took(async () => {
  const rows = await openRows(job.rows, 'csv', { delimiter: ',', encoding: 'utf-8' });
  const writer = await openPredictions(job.out, 'csv', {
    model: '',
    classes: undefined,
    example: predictor.classes![0]!,
  });
  for await (const block of rows.blocks(predictor.columns, () => undefined))
    await writer.write(predictor.predict(block.rows, block.read));
  await writer.finish();
});
process.stdout.write(JSON.stringify(taken));
