import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { examples } from './context.ts';

/** worker.ts, or worker.js when built. */
const program = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../worker.ts' : '../../worker.js', import.meta.url),
);

export function workerCommand(): Command {
  return new Command('worker')
    .description('run a worker here, until Ctrl-C')
    .addHelpText('after', examples('worker'))
    .action(async () => {
      const child = spawn(process.execPath, [...process.execArgv, program], { stdio: 'inherit' });
      // Ctrl-C reaches the whole group: the worker drains, and we end when it has.
      process.on('SIGINT', () => undefined).on('SIGTERM', () => child.kill('SIGTERM'));
      process.exitCode = await new Promise<number>((resolve) => {
        child.once('exit', (code) => resolve(code ?? 1));
      });
    });
}
