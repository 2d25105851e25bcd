import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { listArrivedFiles } from '../../../../client/commands/pending/arrived-files.ts';
import { computeHere } from '../../../../client/commands/pending/looking.ts';
import { paramsSchema } from '../../../../pipeline/models/params.ts';
import { openFolder } from '../../../../sources/arrivals/folder.ts';
import { lookAt } from '../../../../sources/arrivals/look.ts';
import { limitsFromEnv } from '../../../../sources/source.ts';
import { storeIn } from '../../../../store/index.ts';
import { LocalCache } from '../../../../store/local-cache.ts';
import { MemoryBucket } from '../../../support/memory-bucket.ts';

const home = mkdtempSync(join(tmpdir(), 'pending '));
afterEach(() => rmSync(home, { recursive: true, force: true }));

function makeFolder(name: string, files: Record<string, string>): string {
  const path = join(home, name);
  mkdirSync(path, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return `${path}/`;
}

it('pending does not list the files of another folder that a pipeline without batches has looked at', async () => {
  const store = storeIn(new MemoryBucket());
  const first = makeFolder('first', { '1.csv': 'a,label\n1,x\n2,y\n' });
  const second = makeFolder('second', { '2.csv': 'b,label\n5,x\n6,y\n7,y\n' });
  const withSource = (source: string) => paramsSchema.parse({ data: { source, target: 'label' } });
  const s3 = { endpoint: 'http://localhost:1', region: 'us-east-1', bucket: 'none' }; // not asked
  const sources = { s3, limits: limitsFromEnv({}) };
  const local = new LocalCache(join(home, 'cache'));
  const deps = { store, compute: computeHere, local, root: home, scratch: home, sources };
  await lookAt(deps, {
    pipeline: 'p',
    params: withSource(first),
    place: openFolder({ where: first, path: first }),
    signal: new AbortController().signal,
  });

  const listed = await listArrivedFiles({
    deps,
    sources,
    scratch: home,
    ledger: await store.ledgers.read('p'),
    params: withSource(second),
  });
  expect(listed).toEqual({
    batches: [{ batch: 1, rows: 3, file: '2.csv', isNew: true }],
    waiting: 0,
    warnings: [],
  });
});
