import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { openPredictions } from '../../../../client/commands/predict/predictions.ts';
import { SetupError } from '../../../../contract/failures.ts';

/** A disk that has room for folders, and none for files. */
vi.mock('node:fs', async (load) => ({
  ...(await load<typeof import('node:fs')>()),
  openSync: () => {
    throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  },
}));

const folder = mkdtempSync(join(tmpdir(), 'predict-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('predictions that have no room are refused with a sentence, and leave no folder', async () => {
  const opening = openPredictions(join(folder, 'p.csv'), 'csv', {
    model: 'iris version 1.1',
    classes: undefined,
    example: 'setosa',
  });
  await expect(opening).rejects.toThrow(SetupError);
  await expect(opening).rejects.toThrow(/p\.csv cannot be written \(ENOSPC\): free some space$/);
  expect(readdirSync(folder)).toEqual([]);
});
