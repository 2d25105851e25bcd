import { Command } from 'commander';
import { loadConfig, stackDir, type Config } from '../../config/environment.ts';
import { useStack } from '../../infra/stack-folder.ts';
import { pipelineArgument } from '../arguments.ts';

/** What every command is built with. */
export interface CommandContext {
  /** The project folder. */
  root: string;
  /**
   * Reads params.yaml and the environment, completed by the local stack where there is one, for the
   * pipeline named or the default one.
   */
  configure: (pipeline?: string) => Config;
}

export function commandContext(root: string): CommandContext {
  return {
    root,
    configure: (pipeline) => {
      useStack(stackDir(root));
      return loadConfig(root, process.env, pipeline);
    },
  };
}

/** Flags that most commands have. */
export interface CommonFlags {
  pipeline?: string;
  json?: boolean;
}

/** A command with `--pipeline` and `--json`. */
export function pipelineCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--pipeline <name>', 'the pipeline, if not that of params.yaml', pipelineArgument)
    .option('--json', 'print exactly one JSON document on stdout');
}

/** Examples under a command's help. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  npm run client -- ${line}`).join('\n')}`;
}
