import type { Compute } from '../../../compute/pool.ts';
import { localFiles } from '../../../compute/local-files.ts';
import { tasks } from '../../../compute/tasks.ts';
import type { Store } from '../../../store/index.ts';
import type { LocalCache } from '../../../store/local-cache.ts';
import type { SourcePlace } from '../../../sources/source.ts';
import type { Params } from '../../../contract/params.ts';
import type { Ledger } from '../../../store/ledger/ledger.ts';

/** A batch that has data. */
export interface ArrivedBatch {
  batch: number;
  rows: number;
  /** The file that is this batch; null for rows of a table. */
  file: string | null;
  /** Whether the ledger does not have its data yet: a run stores them. */
  isNew: boolean;
}

/** The batches that have data, as this machine sees the source. */
export interface Arrived {
  batches: ArrivedBatch[];
  /** Rows at the end that do not fill a batch yet. */
  waiting: number;
  /** The files that are left out or cannot be read. */
  warnings: string[];
}

/** The input of a look at a source. */
export interface Looking {
  deps: { store: Store; local: LocalCache; compute: Compute };
  sources: Pick<SourcePlace, 's3' | 'limits'>;
  /** The folder of temporary files. */
  scratch: string;
  /** Undefined when the pipeline has no data yet. */
  ledger: Ledger | undefined;
  params: Params;
}

/** Runs a function of pipeline/ in this process: a command has nothing else to do at the same time. */
export const computeHere: Compute = async (name, input) => {
  const task = tasks[name] as (...given: unknown[]) => unknown;
  return (await task(input, undefined, { files: localFiles })) as never;
};
