import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';

/** worker.ts, or worker.js when built. */
const program = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../worker.ts' : '../../worker.js', import.meta.url),
);

export function workerCommand(): Command {
  return new Command('worker')
    .helpOption(false) // the worker has flags of its own, and says which
    .allowUnknownOption()
    .argument('[flags...]', "the worker's flags; --help lists them")
    .action(async (flags: string[]) => {
      const args = [...process.execArgv, program, ...flags];
      const child = spawn(process.execPath, args, { stdio: 'inherit' });
      // Ctrl-C reaches the whole group: the worker drains, and we end when it has.
      process.on('SIGINT', () => undefined).on('SIGTERM', () => child.kill('SIGTERM'));
      process.exitCode = await new Promise<number>((resolve) => {
        child.once('exit', (code) => resolve(code ?? 1));
      });
    });
}
