import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';

/** worker.ts, or worker.js when built. */
const program = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../worker.ts' : '../../worker.js', import.meta.url),
);

export function workerCommand(): Command {
  return new Command('worker')
    .helpOption(false) // the worker prints its own help
    .allowUnknownOption()
    .argument('[flags...]', 'the flags of the worker; --help lists them')
    .action(async (flags: string[]) => {
      const args = [...process.execArgv, program, ...flags];
      const child = spawn(process.execPath, args, { stdio: 'inherit' });
      // Ctrl-C reaches the whole process group: the worker drains, and this process ends after it.
      process.on('SIGINT', () => undefined).on('SIGTERM', () => child.kill('SIGTERM'));
      process.exitCode = await new Promise<number>((resolve) => {
        child.once('exit', (code) => resolve(code ?? 1));
      });
    });
}
