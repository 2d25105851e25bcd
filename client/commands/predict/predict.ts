import { statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Config } from '../../../config/environment.ts';
import { BadData, BadParams } from '../../../contract/failures.ts';
import { nameBuild } from '../../../contract/versions.ts';
import { quoteList } from '../../../pipeline/csv/quote.ts';
import { describeUnreadable } from '../../../pipeline/predictions/raw-block.ts';
import { withModel } from '../../arguments.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../../context.ts';
import { openMeter } from '../../meter.ts';
import { printJson, say } from '../../print.ts';
import { withStoreSession } from '../../session.ts';
import { openPredictions } from './predictions.ts';
import { findFormat, findOutputFormat, openRows } from './rows.ts';

interface PredictFlags extends CommonFlags {
  model: string;
  in: string;
  out: string;
  proba?: boolean;
  onBadRow: 'fail' | 'skip';
  delimiter?: string;
}

export function predictCommand(context: CommandContext): Command {
  return withModel(pipelineCommand('predict'))
    .requiredOption(
      '--in <file>',
      'raw rows: .csv, .jsonl or .parquet, or - for CSV on stdin (required)',
    )
    .option('--out <file>', 'the predictions: .csv, .jsonl or .parquet, or - for stdout', '-')
    .option('--proba', 'add the probability of each class')
    .addOption(
      new Option(
        '--on-bad-row <rule>',
        'for a row that cannot be read: fail ends the command, skip leaves its prediction empty',
      )
        .choices(['fail', 'skip'])
        .default('fail'),
    )
    .option(
      '--delimiter <sign>',
      'the character between the cells of CSV (default: as in the pipeline)',
      readDelimiter,
    )
    .addHelpText(
      'after',
      examples(
        'predict --in new.csv',
        'predict --model champion --in new.csv --out predictions.csv --proba',
        'predict --in new.parquet --out predictions.parquet --on-bad-row skip',
      ),
    )
    .action(async ({ pipeline, ...flags }: PredictFlags) => {
      const config = await context.configure(pipeline);
      process.exitCode = await predictRows(config, flags);
    });
}

/** The maximum number of bad rows that are reported one by one. */
const MOST_NAMED = 5;

/** `predict`: reads raw rows as training does, and writes the prediction of a stored model for each. */
async function predictRows(config: Config, flags: PredictFlags): Promise<number> {
  const { loadFrom } = await import('../../../serving/load-model.ts');
  if (flags.json === true && flags.out === '-')
    throw new BadParams('--json needs --out FILE: without it, stdout has the predictions');
  const inFormat = findFormat(flags.in);
  const outFormat = findOutputFormat(flags.out);
  const model = await withStoreSession(config, ({ store }) =>
    loadFrom(store, config.pipeline, flags.model),
  );
  const { predictor, pipeline, version, seq: build } = model;
  const rows = await openRows(flags.in, inFormat, {
    delimiter: flags.delimiter ?? model.delimiter,
    encoding: model.encoding,
  });
  refuseSameFile(flags);
  const name = `${pipeline} version ${nameBuild(model)}`;
  if (flags.proba === true && predictor.classes === undefined)
    throw new BadData(`${name} predicts a number, which has no probabilities: leave out --proba`);
  const writer = await openPredictions(flags.out, outFormat, {
    model: name,
    classes: flags.proba === true ? predictor.classes : undefined,
    example: predictor.classes?.[0] ?? 0,
  });
  const meter = openMeter('predicting');
  meter.expect(rows.size);
  let [count, skipped] = [0, 0];
  try {
    for await (const block of rows.blocks(predictor.columns, (bytes) => meter.add(bytes))) {
      const predictions = predictor.predict(block.rows, block.read);
      for (const bad of predictions.unreadable) {
        const sentence = describeUnreadable(block, bad);
        if (flags.onBadRow === 'fail')
          throw new BadData(`${sentence}: correct it, or skip such rows with --on-bad-row skip`);
        if (skipped++ < MOST_NAMED) say(`${sentence}: the row has no prediction`, 'warning');
      }
      await writer.write(predictions);
      count += block.rows;
      await setImmediate(); // so that the meter moves and Ctrl-C is seen
    }
    await writer.finish();
  } catch (error) {
    writer.abandon();
    throw error;
  } finally {
    meter.stop();
  }
  if (skipped > MOST_NAMED) say(`${skipped} rows have no prediction`, 'warning');
  const unseen = [...predictor.unseen].map(([column, words]) => ({
    column,
    words: [...words.keys()],
  }));
  for (const { column, words } of unseen)
    say(
      `column "${column}" has words that the model has not learnt, which count as missing: ${quoteList(words)}`,
      'warning',
    );
  const summary = { pipeline, version, build, rows: count, skipped, unseen };
  if (flags.json === true) printJson(summary);
  else say(`${count} ${count === 1 ? 'row' : 'rows'}, predicted by ${name}`);
  return 0;
}

function readDelimiter(text: string): string {
  const sign = text === '\\t' ? '\t' : text;
  if (/^[\t!#$%&*,/:;<=>?@^_`|~]$/.test(sign)) return sign;
  throw new InvalidArgumentError('expected one character, such as , ; | or a tab (\\t)');
}

/** @throws BadParams when the predictions would replace the rows that they are for */
function refuseSameFile(flags: PredictFlags): void {
  const [rows, predictions] = [flags.in, flags.out].map((path) =>
    path === '-' ? undefined : statSync(path, { throwIfNoEntry: false }),
  );
  if (rows !== undefined && rows.dev === predictions?.dev && rows.ino === predictions.ino)
    throw new BadParams(
      `${flags.out} holds the rows, and the predictions would replace it: give another --out`,
    );
}
