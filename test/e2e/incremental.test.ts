import { afterAll, describe, expect, it } from 'vitest';
import { openByteMeter } from '../../bench/byte-meter.ts';
import type { ResultDocument } from '../../client/result.ts';
import { withProject } from '../support/with-project.ts';
import { openProxy } from '../support/proxy.ts';

/** What a run moves to and from the store, by its requests and their bytes: the new batch, not the history. */

const BATCH = 1500;

const meter = await openByteMeter(process.env['AWS_ENDPOINT_URL_S3']!);
const proxy = await openProxy(meter.url);
afterAll(() => {
  proxy.close();
  meter.close();
});

const project = withProject('incremental', { env: { AWS_ENDPOINT_URL_S3: proxy.uri } });
const { store } = project;

/** Rows of a few hundred different numbers and words, so that what is counted of them soon stops growing. */
function table(batches: number, seed: number): string {
  const rows = Array.from({ length: batches * BATCH }, (_, i) => {
    const mixed = Math.imul(i + seed, 0x9e37_79b1) >>> 0;
    const [a, b, c] = [mixed % 211, (mixed >>> 8) % 307, (mixed >>> 16) % 101];
    return `${a / 4},${b / 8},word number ${c},${(mixed >>> 5) % 97},${a < 100 ? 'low' : 'high'}`;
  });
  return `a,b,c,d,label\n${rows.join('\n')}\n`;
}

interface Moved {
  bytes: { up: number; down: number };
  requests: string[];
  stages: ResultDocument['stages'];
}

async function run(pipeline: string, batch: number): Promise<Moved> {
  meter.take();
  proxy.seen();
  const settings = {
    'data.source': `${pipeline}.csv`,
    'data.batch_size': BATCH,
    'data.target': 'label',
    'model.max_depth': 3,
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const args = ['--publish', '--pipeline', pipeline, ...flags];
  const { stages } = await project.runJson(String(batch), ...args);
  return { bytes: meter.take(), requests: proxy.seen(), stages };
}

/** Objects of the store that a method was used on, each once. */
function objects(requests: readonly string[], method: string): Set<string> {
  const found = requests
    .filter((request) => request.startsWith(`${method} `) && request.includes('/files/md5/'))
    .map((request) => /\/files\/md5\/(..\/[^?]*)/.exec(request)![1]!.replace('/', ''));
  return new Set(found);
}

describe('a run of version N', () => {
  it('moves what the new batch makes, however much came before', async () => {
    project.write('short.csv', table(2, 1));
    project.write('long.csv', table(21, 2));
    await run('short', 1);
    const second = await run('short', 2);
    await run('long', 20);
    const before = (await store.ledgers.read('long'))!;
    const last = await run('long', 21);
    const after = (await store.ledgers.read('long'))!;
    expect(after.batches.slice(0, 20)).toEqual(before.batches);

    const old = new Set(after.batches.slice(0, 20).map(({ ref }) => ref.md5));
    const raw = after.raw[0]!.ref;
    for (const method of ['GET', 'PUT']) {
      const touched = objects(last.requests, method);
      expect([...touched].filter((md5) => old.has(md5))).toEqual([]);
      expect(touched.has(raw.md5)).toBe(false);
      // A part of a side, its counts, the model and so on: as many as version 2 had, and no more.
      const most = objects(second.requests, method).size;
      expect(touched.size).toBeLessThanOrEqual(most);
    }
    const all = ({ up, down }: Moved['bytes']): number => up + down;
    // Directories and the ledger name each batch, in some hundred bytes, and each stage that reads the parts asks
    // whether they are there. The parts of a batch are 55 kB.
    expect(all(last.bytes)).toBeLessThan(all(second.bytes) + 19 * 10_500);
  });

  it('reads raw data again for no batch that has been cut', async () => {
    const { batches } = (await store.ledgers.read('long'))!;
    // Batch 7 was cut by the run of 20, in the one pass that cut them all.
    const { requests, stages } = await run('long', 7);
    const states = stages.map(({ stage, cached }) => [stage, cached]);
    expect(states.slice(0, 2)).toEqual([
      ['get_data', true],
      ['prepare_batch', true],
    ]);
    const written = objects(requests, 'PUT');
    expect(batches.filter(({ ref }) => written.has(ref.md5))).toEqual([]);
  });
});
