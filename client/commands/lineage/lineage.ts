import { Option, type Command } from 'commander';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseVersion } from '../../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from '../../context.ts';
import { print, printJson, say } from '../../print.ts';
import { withStoreSession } from '../../session.ts';
import type { Config } from '../../../config/environment.ts';
import { messageOf, SetupError } from '../../../contract/failures.ts';

interface LineageFlags extends CommonFlags {
  mermaid?: boolean;
  svg?: string;
}

export function lineageCommand(context: CommandContext): Command {
  return pipelineCommand('lineage')
    .argument('<N>', 'the version, from 1', parseVersion)
    .addOption(new Option('--mermaid', 'print a Mermaid flowchart').conflicts('json'))
    .option('--svg <file>', 'draw it into a file')
    .addHelpText('after', examples('lineage 2', 'lineage 2 --mermaid', 'lineage 2 --svg two.svg'))
    .action(async (version: number, { pipeline, ...flags }: LineageFlags) => {
      const config = await context.configure(pipeline);
      process.exitCode = await lineage(config, {
        pipeline: config.pipeline,
        version,
        ...flags,
      });
    });
}

interface LineageOptions {
  pipeline: string;
  version: number;
  json?: boolean | undefined;
  mermaid?: boolean | undefined;
  /** The file to draw into. */
  svg?: string | undefined;
}

/** `lineage N`: draws what a version was made from, from its metrics back to the raw data, with hashes. */
async function lineage(
  config: Config,
  { pipeline, version, json, mermaid, svg }: LineageOptions,
): Promise<number> {
  const { readSoundRecord } = await import('../../../store/record-check.ts');
  const { drawMermaid, drawSvg, drawText } = await import('./drawings.ts');
  const { readLineage } = await import('./graph.ts');
  return withStoreSession(config, async (session) => {
    const record = await readSoundRecord(session.store, pipeline, version);
    const graph = await readLineage(session.store, record);
    if (svg !== undefined) await writeDrawing(svg, drawSvg(graph));
    if (json === true) printJson(graph);
    else if (mermaid === true) print(drawMermaid(graph));
    else if (svg === undefined) print(drawText(graph));
    return 0;
  });
}

async function writeDrawing(path: string, svg: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, svg);
  } catch (error) {
    throw new SetupError(`${path} cannot be written (${messageOf(error)}): choose another file`, {
      cause: error,
    });
  }
  say(`drawn into ${path}`);
}
