import { Command } from 'commander';
import { batchArgument } from '../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from '../context.ts';

interface ExportFlags extends CommonFlags {
  out?: string;
  force?: boolean;
}

export function dvcCommand(context: CommandContext): Command {
  return new Command('dvc')
    .description('the bucket as a DVC remote')
    .addHelpText('after', examples('dvc export 3 --out ../iris-dvc'))
    .addCommand(exportCommand(context));
}

function exportCommand(context: CommandContext): Command {
  return pipelineCommand('export', 'write a version as a DVC repository: dvc.yaml, dvc.lock, …')
    .argument('[N]', 'the version; the latest if left out', batchArgument)
    .option('--out <dir>', 'the folder (default: dvc/<pipeline>)')
    .option('--force', 'overwrite files that were edited by hand')
    .addHelpText('after', examples('dvc export', 'dvc export 3 --out ../iris-dvc --json'))
    .action(async (version: number | undefined, { out, force, json, ...flags }: ExportFlags) => {
      const { dvcExport } = await import('../dvc-export.ts');
      const config = await context.configure(flags.pipeline);
      const { pipeline } = config;
      process.exitCode = await dvcExport(config, {
        pipeline,
        version,
        out: out ?? `dvc/${pipeline}`,
        root: context.root,
        force: force === true,
        json,
      });
    });
}
