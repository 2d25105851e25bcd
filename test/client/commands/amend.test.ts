import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ledgerWith, replaceBatch } from '../../../client/commands/amend/replace-batch.ts';
import type { StoreSession } from '../../../client/session.ts';
import { loadConfig } from '../../../config/environment.ts';
import { BadParams, MissingHistory } from '../../../contract/failures.ts';
import { refOf } from '../../../store/hash.ts';
import { storeIn } from '../../../store/index.ts';
import { MemoryBucket } from '../../support/memory-bucket.ts';
import { OPENED, SETTINGS } from '../../store/ledger/ledger-settings.ts';

const config = loadConfig(join(import.meta.dirname, '../../..'), {});
const raw = {
  ref: refOf('data/raw/iris.csv', Buffer.from('rows')),
  columns: refOf('data/raw/columns.json', Buffer.from('columns')),
  rows: 3 * SETTINGS.batch_size,
  fetched_at: '2026-01-02T02:00:00.000Z',
  etag: null,
};

let session: StoreSession;
beforeEach(() => {
  session = { config, store: storeIn(new MemoryBucket()), close: async () => undefined };
});

/** The error for a batch that has not been cut. */
const refuse = (batch: number): Promise<unknown> =>
  ledgerWith(session, { pipeline: 'iris', batch }).catch((error: unknown) => error);

describe('amending a batch that has not been cut', () => {
  it('names the run that cuts it, where the rows are known', async () => {
    await session.store.ledgers.open('iris', { ...OPENED, settings: SETTINGS }, raw);
    expect(await refuse(3)).toEqual(
      new MissingHistory(
        'batch 3 of iris has not been cut, so there is nothing to amend: run it with "npx retrain run 3 --pipeline iris"',
      ),
    );
  });

  it('names no run that can only fail', async () => {
    const { message } = (await refuse(9)) as Error;
    expect(message).toMatch(/the pipeline has no data yet; start with ".* run 1 --pipeline iris"$/);
    await session.store.ledgers.open('iris', { ...OPENED, settings: SETTINGS }, raw);
    expect(await refuse(9)).toEqual(
      new MissingHistory(
        'batch 9 of iris has not been cut, so there is nothing to amend: 3 batches are known; "npx retrain pending --pipeline iris" looks for more',
      ),
    );
  });
});

it.each(['missing.csv', '.hidden.csv'])(
  'amending with a file that cannot be given is wrong usage: %s',
  async (source) => {
    const { store } = session;
    const ledger = await store.ledgers.open('iris', { ...OPENED, settings: SETTINGS }, raw);
    const asked = { pipeline: 'iris', batch: 1, source, set: {}, rebuild: false };
    await expect(replaceBatch(store, config, ledger, asked)).rejects.toThrow(BadParams);
  },
);
