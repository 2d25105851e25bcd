import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../../config/environment.ts';
import { SetupError } from '../../../contract/failures.ts';
import { parseVersion } from '../../arguments.ts';
import {
  EXIT,
  examples,
  pipelineCommand,
  type CommandContext,
  type CommonFlags,
} from '../../context.ts';
import { formatBytes, formatTable } from '../../format.ts';
import { print, printJson, say } from '../../print.ts';
import { openStoreSession } from '../../session.ts';
import type { CheckedOut, CheckoutRequest } from './into-folder.ts';
import type { WantedFile } from './plan.ts';
import { quoteWord, RETRAIN } from '../../../contract/command.ts';

interface CheckoutFlags extends CommonFlags {
  out: string;
  force?: boolean;
}

export function checkoutCommand(context: CommandContext): Command {
  return pipelineCommand('checkout')
    .argument('<N>', 'the version, from 1, or champion', parseVersionOrChampion)
    .option('--out <dir>', 'the folder to write into', '.')
    .option('--force', 'overwrite files that have been edited')
    .addHelpText('after', examples('checkout 2', 'checkout champion --out ../production'))
    .action(async (version: number | 'champion', { pipeline, ...flags }: CheckoutFlags) => {
      const config = await context.configure(pipeline);
      const { cache } = config;
      const asked = { pipeline: config.pipeline, version, cache, ...flags };
      process.exitCode = await checkout(config, asked);
    });
}

function parseVersionOrChampion(text: string): number | 'champion' {
  return text === 'champion' ? text : parseVersion(text);
}

/** `checkout N`: writes a version as files, and fetches only what is not on this machine. */
async function checkout(
  config: Config,
  { json, ...asked }: CheckoutRequest & { json?: boolean | undefined },
): Promise<number> {
  const { checkoutInto } = await import('./into-folder.ts');
  const session = await openStoreSession(config);
  const out = resolve(asked.out);
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop);
  try {
    const { done, wanted } = await checkoutInto(session.store, { ...asked, out }, stopping.signal);
    if (json === true) printJson(done);
    else printCheckedOut(done, wanted);
    return 0;
  } catch (error) {
    if (!stopping.signal.aborted) throw localError(error, out);
    const { version, pipeline, force } = asked;
    const flags = ['--pipeline', pipeline];
    if (asked.out !== '.') flags.push('--out', quoteWord(out));
    if (force === true) flags.push('--force');
    say(`stopped; "${RETRAIN} checkout ${version} ${flags.join(' ')}" continues from here`);
    return EXIT.detached;
  } finally {
    process.off('SIGINT', stop);
    await session.close();
  }
}

/** An error of the file system, as a sentence that says how to repair it. */
function localError(error: unknown, out: string): unknown {
  const { code, syscall, path = out } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return new SetupError(`${out} is not a folder: choose another with --out`, { cause: error });
  return new SetupError(
    `${path} cannot be read or written (${code}, ${syscall}): check the permissions there and the space on its disk`,
    { cause: error },
  );
}

/** Prints for each artifact what was written and what was kept. */
function printCheckedOut(
  { pipeline, version, out, removed, fetchedBytes, ...done }: CheckedOut,
  wanted: ReadonlyMap<string, WantedFile>,
): void {
  const rows = new Map<string, { files: number; size: number; written: number }>();
  const written = new Set(done.written);
  for (const [path, { ref, artifact }] of wanted) {
    const row = rows.get(artifact) ?? { files: 0, size: 0, written: 0 };
    rows.set(artifact, {
      files: row.files + 1,
      size: row.size + ref.size,
      written: row.written + Number(written.has(path)),
    });
  }
  const head = ['artifact', 'files', 'size', 'written', 'kept'];
  const cells = [...rows].map(([artifact, { files, size, written: wrote }]) => {
    return [artifact, files, formatBytes(size), wrote, files - wrote];
  });
  print(formatTable(head, cells));
  for (const path of removed) print(`removed  ${path}`);
  say(`version ${version} of ${pipeline} is in ${out}; ${formatBytes(fetchedBytes)} fetched`);
}
