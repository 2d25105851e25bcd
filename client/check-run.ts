import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config/environment.ts';
import type { Params } from '../contract/params.ts';
import {
  checkArrivedBatch,
  checkBatch,
  checkGrownBatch,
  countBatches,
} from '../pipeline/batches/order.ts';
import { selectNewFiles } from '../sources/arrivals/look.ts';
import { openFolder } from '../sources/arrivals/folder.ts';
import { checkFrozen } from '../sources/frozen.ts';
import { kindOf } from '../sources/identity.ts';
import {
  batchesKnown,
  hasArrivals,
  isFilled,
  wholeOf,
  type Ledger,
} from '../store/ledger/ledger.ts';
import { say } from './print.ts';
import type { Request } from './start.ts';

/** A larger file is left to the worker, because reading it here would delay the start of the run. */
const MOST_BYTES = 16e6;

/**
 * Refuses a run that can only fail, where this machine can see it: a batch that does not exist, a setting that is
 * frozen, a file that is no table or lacks the target. So a typing error leaves no failed workflow behind.
 * @param found the ledger of the pipeline, if there is one
 * @throws BadParams, BadData or MissingHistory, as the worker would
 */
export async function checkRun(
  { sources, scratch }: Pick<Config, 'sources' | 'scratch'>,
  { pipeline, batch, refresh }: Pick<Request, 'pipeline' | 'batch' | 'refresh'>,
  params: Params,
  found: Ledger | undefined,
): Promise<void> {
  const ledger = found !== undefined && found.batches.length > 0 ? found : undefined;
  if (ledger !== undefined) checkFrozen(ledger, params);
  const { source } = params.data;
  const path = source.replace(/^dvc:\/\//, '');
  const isLocal = ['file', 'dvc', 'folder'].includes(kindOf(source));
  const isMissing = isLocal && !existsSync(path);
  if (ledger !== undefined && batch <= batchesKnown(ledger) && refresh !== true) {
    // Only for a batch that the stored rows do not fill does the worker look at the source.
    if (isMissing && batch > ledger.batches.length)
      say(
        `${resolve(path)} is not on this machine: ${isFilled(ledger, batch) ? '' : 'unless the worker has it, '}batch ${batch} is cut from the rows that are stored`,
      );
    return;
  }
  if (isMissing) {
    say(
      `${resolve(path)} is not on this machine: the worker looks for it in its own project folder`,
      'warning',
    );
    return;
  }
  if (kindOf(source) === 'folder') return checkArrived(ledger, { pipeline, batch }, source);
  const isSmall = kindOf(source) === 'file' && statSync(path).size <= MOST_BYTES;
  if (!(kindOf(source) === 'iris' || isSmall)) return;
  // Loaded here, because it is large and most runs do not need it.
  const { countArrivedRows } = await import('./commands/pending/arrived-rows.ts');
  const rows = await countArrivedRows({ params, sources, scratch });
  checkRows(ledger, batch, rows, params.data.batch_size);
}

async function checkArrived(
  ledger: Ledger | undefined,
  { pipeline, batch }: Pick<Request, 'pipeline' | 'batch'>,
  source: string,
): Promise<void> {
  const known = ledger !== undefined && hasArrivals(ledger) ? ledger : undefined;
  const { files } = await openFolder({ where: source, path: source }).list();
  const most = (known?.arrivals.length ?? 0) + selectNewFiles(files, known).length;
  checkArrivedBatch(pipeline, batch, most);
}

/** @param rows of the whole table, as it is now */
function checkRows(ledger: Ledger | undefined, batch: number, rows: number, size: number): void {
  const last = ledger?.raw.at(-1);
  if (last === undefined || last.after === 0) return checkBatch(batch, rows, size);
  const whole = wholeOf(last).rows;
  const batches = last.after + countBatches(last.rows + Math.max(0, rows - whole), size);
  checkGrownBatch(batch, rows, batches);
}
