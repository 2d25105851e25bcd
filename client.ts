#!/usr/bin/env node
import { CommanderError } from 'commander';
import { openContext } from './client/context.ts';
import { openProgram } from './client/program.ts';
import { projectRoot } from './config/project-root.ts';

/** The command line. */
const program = await openProgram(openContext(projectRoot(import.meta.url)), process.argv.slice(2));

// A reader that stops early, such as head, is no failure, and a closed stderr ends nothing.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`error: stdout cannot be written (${error.code ?? error.message})\n`);
  process.exit(1);
});
process.stderr.on('error', () => undefined);

try {
  await program.parseAsync();
} catch (error) {
  const help = error instanceof CommanderError && error.exitCode === 0;
  if (!help) await fail(error);
}

/** Reports a failure: a sentence on stderr and, with --json, a document on stdout. */
async function fail(error: unknown): Promise<void> {
  const { chooseExitCode, describeFailure } = await import('./client/failure.ts');
  const { printJson, say } = await import('./client/print.ts');
  const failure = await describeFailure(error);
  process.exitCode = await chooseExitCode(error);
  if (!(error instanceof CommanderError)) say(failure.message, 'error'); // commander has printed its own
  if (process.argv.includes('--json')) printJson({ status: 'failed', error: failure });
}
