import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { parseCount } from '../../arguments.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../../context.ts';
import { formatTable } from '../../format.ts';
import { print, printJson, say } from '../../print.ts';
import { RETRAIN } from '../../../contract/command.ts';
import { TASKS, type Task } from '../../../contract/defaults.ts';
import { BadParams } from '../../../contract/failures.ts';
import type { Params } from '../../../contract/params.ts';
import { PIPELINE_NAME } from '../../../contract/paths.ts';
import type { Findings } from './look.ts';
import type { Section } from './section.ts';

interface InitFlags extends CommonFlags {
  target?: string;
  task?: Task;
  batchSize?: number;
}

export function initCommand(context: CommandContext): Command {
  return pipelineCommand('init', '', 'the name of the pipeline (default: that of the file)')
    .argument('<source>', 'a CSV file, a folder of them, an http(s) or s3 URL, or dvc://FILE.dvc')
    .option('--target <column>', 'the column to predict (required)')
    .addOption(
      new Option('--task <task>', 'what to predict (default: inferred from the target)').choices(
        TASKS,
      ),
    )
    .option(
      '--batch-size <rows>',
      'rows per batch (default: data.batch_size of params.yaml; if this gives more than 20 batches, about a tenth of the rows)',
      parseCount,
    )
    .addHelpText('after', examples('init wine.csv --target quality'))
    .action(async (source: string, flags: InitFlags) => {
      process.exitCode = await init(context, source, flags);
    });
}

/** `init FILE`: inspects the file, adds a section for its pipeline to params.yaml, and prints the next commands. */
async function init(
  context: CommandContext,
  source: string,
  { pipeline: name, target, task, batchSize, json }: InitFlags,
): Promise<number> {
  const { readTextFile } = await import('../../../config/params-file.ts');
  const { writeWhole } = await import('../../write-whole.ts');
  const { loadConfigs } = await import('../../../config/environment.ts');
  const { paramsOf } = await import('../../../pipeline/models/params.ts');
  const { lookAtSource } = await import('./look.ts');
  const { addSection } = await import('./section.ts');
  const pipeline = name ?? deriveName(source);
  const config = await context.configure(pipeline);
  if (config.pipelines?.includes(pipeline) === true || pipeline === config.defaultPipeline)
    throw new BadParams(
      `params.yaml has the pipeline ${pipeline} already: edit it there, or choose another name with --pipeline`,
    );
  const found = await lookAtSource(config, source, { target, task });
  const top = paramsOf(config.params, {});
  const section = makeSection(top, found, { source, target: target!, batchSize });
  const path = join(context.root, 'params.yaml');
  const text = addSection(readTextFile(path) ?? '', pipeline, section);
  await writeWhole(path, text);
  // What is written must be what a run reads.
  const written = paramsOf(loadConfigs(context.root)(pipeline).params, {});
  const batches = found.files ?? Math.ceil(found.rows / written.data.batch_size);
  const next = [
    `${RETRAIN} run 1 --pipeline ${pipeline}`,
    `${RETRAIN} nightly --pipeline ${pipeline}`,
  ];
  if (json === true) {
    const { columns, rows, labels, warnings } = found;
    printJson({ pipeline, section, rows, columns, labels, batches, warnings, next });
    return 0;
  }
  for (const warning of found.warnings) say(warning, 'warning');
  print(describeFindings(found, written, batches));
  print(`\nparams.yaml has the section pipelines.${pipeline} now. Next:`);
  print(`  ${next[0]}`);
  print(`  ${next[1]}   # the pending batches, in order`);
  return 0;
}

/**
 * Derives a pipeline's name from the last part of a source, without its extension. Other characters become hyphens.
 */
function deriveName(source: string): string {
  const last = source
    .replace(/[?#].*$/, '')
    .replace(/[/\\]+$/, '')
    .split(/[/\\]/)
    .at(-1)!;
  const name = last
    .replace(/\.(csv|tsv|txt|gz|dvc)/gi, '')
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replaceAll(/^[-_]+|-+$/g, '')
    .slice(0, 64);
  if (PIPELINE_NAME.test(name)) return name;
  throw new BadParams(`${source} gives no name for a pipeline: add --pipeline NAME`);
}

/** The settings that differ from the top of params.yaml. */
function makeSection(
  top: Params,
  { delimiter, encoding, decimal, task, rows, files }: Findings,
  asked: { source: string; target: string; batchSize: number | undefined },
): Section {
  const { source, target } = asked;
  const isRelative = !/^([./\\]|[a-z]+:)/i.test(source);
  const size = asked.batchSize ?? chooseBatchSize(rows, top.data.batch_size);
  return {
    data: {
      source: isRelative ? `./${source}` : source,
      target,
      ...(delimiter === top.data.delimiter ? {} : { delimiter }),
      ...(encoding === top.data.encoding ? {} : { encoding }),
      ...(decimal === top.data.decimal ? {} : { decimal }),
      ...(size === top.data.batch_size || files !== undefined ? {} : { batch_size: size }),
    },
    ...(task === top.model.task ? {} : { model: { task } }),
  };
}

/** The maximum number of batches of a new pipeline if no size is given. */
const MOST_BATCHES = 20;

/** The usual size of a batch, or a round one that gives about ten batches. */
function chooseBatchSize(rows: number, usual: number): number {
  if (rows <= usual * MOST_BATCHES) return usual;
  const size = rows / 10;
  const power = 10 ** Math.floor(Math.log10(size));
  return Math.ceil(size / power) * power;
}

/** The number of labels that are printed by name. The others are counted. */
const MOST_LABELS = 6;

function describeFindings(found: Findings, { data }: Params, batches: number): string {
  const { rows, columns, labels, delimiter, decimal, encoding, task, files } = found;
  const read = [
    `${rows} rows${files === undefined ? '' : ' in its first file'}`,
    ...(delimiter === ',' ? [] : [`cells separated by ${JSON.stringify(delimiter)}`]),
    ...(decimal === '.' ? [] : ['numbers with a decimal comma']),
    ...(encoding === 'utf-8' ? [] : [`encoding ${encoding}`]),
  ];
  const features = columns.filter(({ name }) => name !== data.target);
  const named = labels.slice(0, MOST_LABELS).map(({ label, rows: count }) => `${label} (${count})`);
  const more = labels.length - named.length;
  const target =
    task === 'regression'
      ? 'a number, so this is a regression'
      : `${labels.length} classes: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const other = task === 'regression' ? 'classification' : 'regression';
  return [
    `${data.source}: ${read.join(', ')}`,
    `target   ${data.target}: ${target} (if not: --task ${other})`,
    files === undefined
      ? `batches  ${batches} of ${data.batch_size} rows`
      : `batches  ${batches}, one for each file`,
    '',
    formatTable(
      ['feature', 'type'],
      features.map(({ name, type }) => [name, type]),
    ),
  ].join('\n');
}
