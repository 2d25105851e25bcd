import type { Compute } from '../../../compute/pool.ts';
import { threadFiles } from '../../../compute/thread-files.ts';
import { tasks } from '../../../compute/tasks.ts';
import type { Deps } from '../../../activities/deps.ts';
import type { SourcePlace } from '../../../sources/source.ts';
import type { Params } from '../../../contract/params.ts';
import type { Ledger } from '../../../store/ledger/ledger.ts';

/** A batch there is data for. */
export interface ArrivedBatch {
  batch: number;
  rows: number;
  /** The file it is the whole of; null for rows of a table. */
  file: string | null;
  /** Whether the ledger does not know of its data yet: a run takes it in. */
  isNew: boolean;
}

/** What there is data for, as this machine sees the source. */
export interface Arrived {
  batches: ArrivedBatch[];
  /** Rows that wait for others to fill the batch after those. */
  waiting: number;
  /** What is left out, and what could not be looked at. */
  warnings: string[];
}

/** What a source is looked at with. */
export interface Looking {
  deps: Pick<Deps, 'store' | 'local' | 'compute'>;
  sources: Pick<SourcePlace, 's3' | 'limits'>;
  /** Undefined when the pipeline has no data yet. */
  ledger: Ledger | undefined;
  params: Params;
}

/** Runs a function of pipeline/ in this process: a command has nothing else to do meanwhile. */
export const computeHere: Compute = async (name, input) => {
  const task = tasks[name] as (...given: unknown[]) => unknown;
  return (await task(input, undefined, { files: threadFiles })) as never;
};
