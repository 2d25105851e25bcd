import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { batchArgument, withSet } from '../arguments.ts';
import { printJson, say } from '../print.ts';
import { openSession } from '../session.ts';
import { staleOf, staleness } from '../versions.ts';
import type { Config } from '../../config/environment.ts';
import { BadData, MissingHistory, messageOf } from '../../contract/failures.ts';
import { paramsOf } from '../../pipeline/models/params.ts';
import { BATCHES, RAW, amendedFile, batchFile } from '../../contract/paths.ts';
import { isSafePath } from '../../contract/ref.ts';
import { conformBatch } from '../../pipeline/batches/conform-tasks.ts';
import { wholeFile, textOfFile } from '../../sources/arrivals/take-in.ts';
import { encodeColumns } from '../../store/columns-file.ts';
import { refOf } from '../../store/hash.ts';
import type { Store } from '../../store/index.ts';
import { type Ledger, columnsAt } from '../../store/ledger/ledger.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../context.ts';

interface AmendFlags extends CommonFlags {
  source: string;
  set?: Record<string, unknown>;
  rebuild?: boolean;
}

export function amendCommand(context: CommandContext): Command {
  return withSet(pipelineCommand('amend'), 'override a param, as for "run"; repeatable')
    .argument('<K>', 'the batch, from 1', batchArgument)
    .requiredOption('--source <file>', 'a CSV file with all rows of the batch')
    .option('--rebuild', 'also build again the versions that are stale then')
    .addHelpText(
      'after',
      examples('amend 2 --source ./batch-2.csv', 'amend 2 --source ./batch-2.csv --rebuild'),
    )
    .action(async (batch: number, { pipeline, source, set, rebuild, json }: AmendFlags) => {
      const config = await context.configure(pipeline);
      process.exitCode = await amend(config, {
        pipeline: config.pipeline,
        batch,
        source,
        set: set ?? {},
        rebuild: rebuild === true,
        json,
      });
    });
}

export interface AmendOptions {
  pipeline: string;
  batch: number;
  /** The path of the file with the rows of the batch. */
  source: string;
  set: Record<string, unknown>;
  /** Also build the stale versions again. */
  rebuild: boolean;
  json?: boolean | undefined;
}

/** `amend K --source FILE`: replaces a batch, and names the versions that are stale then. */
export async function amend(config: Config, options: AmendOptions): Promise<number> {
  const { pipeline, batch, rebuild, json } = options;
  const check: ('temporal' | 'storage')[] = rebuild ? ['temporal', 'storage'] : ['storage'];
  const session = await openSession(config, { check });
  try {
    const { store } = session;
    const before = await ledgerOf(store, options);
    const after = await replace(store, config, before, options);
    const changed = after.revision !== before.revision;
    const stale = await staleOf(store, pipeline);
    if (json === true && !rebuild)
      printJson({ pipeline, batch, changed, ledger_revision: after.revision, stale });
    else {
      const { rows } = after.batches[batch - 1]!;
      say(
        changed
          ? `batch ${batch} of ${pipeline} has ${rows} rows now, from ledger revision ${after.revision} on`
          : `batch ${batch} of ${pipeline} holds these rows already: nothing is changed`,
      );
      for (const one of stale) say(staleness(one));
      if (stale.length > 0 && !rebuild)
        say(
          `"run N" builds version N again, "amend ${batch} --source … --rebuild" all of them; "diff N.1 N.2" compares two builds`,
        );
    }
    if (!rebuild) return 0;
    const { runNightly } = await import('../nightly-run.ts');
    return await runNightly(session, { pipeline, set: options.set, rebuild: true, json });
  } finally {
    await session.close();
  }
}

async function ledgerOf({ ledgers }: Store, { pipeline, batch }: AmendOptions): Promise<Ledger> {
  const ledger = await ledgers.read(pipeline);
  if (ledger?.batches[batch - 1] === undefined)
    throw new MissingHistory(
      `batch ${batch} of ${pipeline} has not been cut, so there is nothing to amend: run it first with "run ${batch} --pipeline ${pipeline}"`,
    );
  return ledger;
}

/** Stores all files before the ledger changes, in one step. So an interrupted command has changed nothing. */
async function replace(
  { artifacts, ledgers, leases }: Store,
  config: Config,
  ledger: Ledger,
  { pipeline, batch, source, set }: AmendOptions,
): Promise<Ledger> {
  const name = basename(source);
  if (!isSafePath(name))
    throw new BadData(`--source ${source} names no file: give the path of a CSV file`);
  const bytes = await readHere(source);
  const params = paramsOf(config.params, set);
  const text = await textOfFile(name, bytes, ledger.settings.encoding);
  const known = columnsAt(ledger, batch);
  const file = wholeFile(name, text, ledger.settings, params, known);
  const { contract } = file;
  // An earlier batch adds no column: later versions may have been built without it.
  const newColumn = contract.newColumn === 'adapt' ? 'fail' : contract.newColumn;
  const whole = conformBatch({ ...file, contract: { ...contract, newColumn } });
  for (const warning of whole.warnings) say(warning, 'warning');
  const files: [path: string, bytes: Uint8Array][] = [
    [`${BATCHES}${batchFile(batch)}`, whole.bytes],
    [amendedFile(batch, name), bytes],
    [`${RAW}/columns.json`, encodeColumns(known)],
  ];
  await leases.holdUpload(
    pipeline,
    files.map(([path, content]) => refOf(path, content)),
  );
  const [ref, raw, columns] = await Promise.all(
    // `rewrite` trusts no checksum: so amending again with the same file repairs damaged objects.
    files.map(([path, content]) => artifacts.put(path, content, { rewrite: true })),
  );
  return ledgers.amend(pipeline, {
    batch,
    ref: ref!,
    rows: whole.rows,
    raw: raw!,
    columns: columns!,
    at: new Date().toISOString(),
  });
}

async function readHere(source: string): Promise<Uint8Array> {
  try {
    return await readFile(source);
  } catch (error) {
    throw new BadData(`--source ${source} cannot be read (${messageOf(error)}): check the path`, {
      cause: error,
    });
  }
}
