import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { adviseOnBatch } from '../../batch-advice.ts';
import { say } from '../../print.ts';
import type { StoreSession } from '../../session.ts';
import type { Config } from '../../../config/environment.ts';
import { BadParams, MissingHistory, messageOf } from '../../../contract/failures.ts';
import { makeRunParams } from '../../../sources/frozen.ts';
import { isVisiblePath, BATCHES, RAW, amendedFile, batchFile } from '../../../contract/paths.ts';
import { conformBatch } from '../../../pipeline/batches/conform.ts';
import { conformInput, decodeFile } from '../../../sources/arrivals/take-in.ts';
import { encodeColumns } from '../../../store/columns-file.ts';
import { refOf } from '../../../store/hash.ts';
import type { Store } from '../../../store/index.ts';
import { type Ledger, columnsAt } from '../../../store/ledger/ledger.ts';

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

/** The ledger of the pipeline. @throws MissingHistory when the batch has not been cut */
export async function ledgerWith(
  session: StoreSession,
  { pipeline, batch }: Pick<AmendOptions, 'pipeline' | 'batch'>,
): Promise<Ledger> {
  const ledger = await session.store.ledgers.read(pipeline);
  if (ledger?.batches[batch - 1] === undefined)
    throw new MissingHistory(
      `batch ${batch} of ${pipeline} has not been cut, so there is nothing to amend: ${await adviseOnBatch(session, batch)}`,
    );
  return ledger;
}

/** Stores all files, then changes the ledger in one step. So an interrupted command has changed nothing. */
export async function replaceBatch(
  { artifacts, ledgers, leases }: Store,
  config: Config,
  ledger: Ledger,
  { pipeline, batch, source, set }: AmendOptions,
): Promise<Ledger> {
  const name = basename(source);
  if (!isVisiblePath(name))
    throw new BadParams(
      `--source ${source} is hidden, or names no file: give the path of a CSV file`,
    );
  const bytes = await readHere(source);
  const params = makeRunParams(config, ledger, set);
  const text = await decodeFile(name, bytes, ledger.settings.encoding);
  const known = columnsAt(ledger, batch);
  const file = conformInput(name, text, ledger.settings, params, known);
  const { contract } = file;
  // An earlier batch adds no column: later versions may have been built without it.
  const newColumn = contract.newColumn === 'adapt' ? 'fail' : contract.newColumn;
  const own = { contract: { ...contract, newColumn }, addsColumns: false };
  const whole = conformBatch({ ...file, ...own });
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
    // `rewrite` writes objects that are stored already, so that amending with the same file repairs damaged ones.
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
    throw new BadParams(`--source ${source} cannot be read (${messageOf(error)}): check the path`, {
      cause: error,
    });
  }
}
