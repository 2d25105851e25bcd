import { Command } from 'commander';
import type { Config } from '../config/environment.ts';
import { stackDir } from '../config/project-root.ts';
import { parsePipeline } from './arguments.ts';
import { RETRAIN } from '../contract/command.ts';

/** The context that every command gets. */
export interface CommandContext {
  /** The project folder. */
  root: string;
  /**
   * Reads params.yaml and the environment for the named pipeline or the default one. The local stack, if there is
   * one, fills in what they do not set.
   * @param set the params of `--set`. If they say where data is, the pipeline may be a new one
   */
  configure: (pipeline?: string, set?: Record<string, unknown>) => Promise<Config>;
}

export function openContext(root: string): CommandContext {
  return {
    root,
    configure: async (pipeline, set) => {
      const { useStack } = await import('../infra/stack-folder.ts');
      const { loadConfig } = await import('../config/environment.ts');
      useStack(stackDir(root));
      const { namesSource } = await import('../config/params-file.ts');
      const config = loadConfig(root, process.env, pipeline);
      return namesSource(set) ? { ...config, unlisted: undefined } : config;
    },
  };
}

/** The exit codes; 0 is success. */
export const EXIT = {
  /** The run failed, or what was asked for does not exist. */
  failed: 1,
  /** Wrong usage, or params that no run can have. */
  usage: 2,
  /** Something the command needs is missing: a server, Python, a port. */
  setup: 3,
  /** Ctrl-C, while the run goes on. */
  detached: 130,
} as const;

/** The flags of most commands. */
export interface CommonFlags {
  pipeline?: string;
  json?: boolean;
}

/** A command with `--pipeline` and `--json`. */
export function pipelineCommand(
  name: string,
  description = '',
  pipeline = 'the pipeline (default: the one of params.yaml)',
): Command {
  return new Command(name)
    .description(description)
    .option('--pipeline <name>', pipeline, parsePipeline)
    .option('--json', 'print exactly one JSON document on stdout');
}

/** Examples below the help of a command. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${RETRAIN} ${line}`).join('\n')}`;
}
