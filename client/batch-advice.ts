import { RETRAIN } from '../contract/command.ts';
import { batchesThere } from '../sources/append-only/table.ts';
import { readRunParams, type StoreSession } from './session.ts';

/** The advice for a batch that has never been run. */
export async function adviseOnBatch(session: StoreSession, batch: number): Promise<string> {
  const { pipeline } = session.config;
  const { params, ledger } = await readRunParams(session, {});
  const { last } = batchesThere(ledger, params);
  if (batch <= last) return `run it with "${RETRAIN} run ${batch} --pipeline ${pipeline}"`;
  if (ledger === undefined)
    return `the pipeline has no data yet; start with "${RETRAIN} run 1 --pipeline ${pipeline}"`;
  const known = last === 1 ? 'one batch is known' : `${last} batches are known`;
  return `${known}; "${RETRAIN} pending --pipeline ${pipeline}" looks for more`;
}
