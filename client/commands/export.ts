import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../config/environment.ts';
import { BadData, BadParams } from '../../contract/failures.ts';
import { nameBuild } from '../../contract/versions.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../context.ts';
import { withModel } from '../arguments.ts';
import { formatBytes } from '../format.ts';
import { print, printJson, say } from '../print.ts';
import { withStoreSession } from '../session.ts';
import { writeResult } from '../write-whole.ts';

interface ExportFlags extends CommonFlags {
  model: string;
  out: string;
}

export function exportCommand(context: CommandContext): Command {
  return withModel(pipelineCommand('export'))
    .requiredOption('--out <file>', 'the file to write, such as iris.onnx (required)')
    .addHelpText(
      'after',
      examples('export --out iris.onnx', 'export --model champion --out models/iris.onnx'),
    )
    .action(async ({ pipeline, ...flags }: ExportFlags) => {
      const config = await context.configure(pipeline);
      process.exitCode = await exportModel(config, flags);
    });
}

/** `export`: writes a stored model, with the encoding of raw rows, as an ONNX file. */
async function exportModel(config: Config, { model, out, json }: ExportFlags): Promise<number> {
  if (!/\.onnx$/i.test(out))
    throw new BadParams(`${out} names no ONNX file: give --out a name that ends in .onnx`);
  const { findRecord, readParts } = await import('../../serving/load-model.ts');
  const { makeOnnx } = await import('../../pipeline/predictions/onnx.ts');
  const path = resolve(out);
  return withStoreSession(config, async ({ store }) => {
    const record = await findRecord(store, config.pipeline, model);
    const { pipeline, version, seq: build } = record;
    const { file, reason } = await makeOnnx(await readParts(store, record));
    if (file === undefined)
      throw new BadData(`${pipeline} version ${nameBuild(record)} cannot be exported: ${reason}`);
    await writeResult(path, file);
    if (json === true) printJson({ pipeline, version, build, path, size: file.length });
    else print(path);
    say(`${pipeline} version ${nameBuild(record)}, ${formatBytes(file.length)}`);
    return 0;
  });
}
