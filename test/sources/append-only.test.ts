import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { limitsFromEnv, type SourceDeps } from '../../sources/source.ts';
import { findPending } from '../../activities/find_pending.ts';
import { getData } from '../../activities/get_data.ts';
import { prepareBatch } from '../../activities/prepare_batch.ts';
import { computeHere } from '../../client/commands/pending/looking.ts';
import type { CacheUse } from '../../contract/stages.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import { permuteRows } from '../../pipeline/batches/order.ts';
import { storeIn, type Store } from '../../store/index.ts';
import { batchesKnown, type Ledger } from '../../store/ledger/ledger.ts';
import { LocalCache } from '../../store/local-cache.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

/** The law of a table that grows: when it is looked at decides nothing. */

const SIZE = 3;
const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

// A few equal rows, and cells that need quotes: two states may hold the same bytes.
const words = ['"a,b"', '"say ""hi"""', '""""', 'c', 'd'];
const row = (i: number): string => `${i % 4},${words[i % words.length]!},${i % 2 ? 'odd' : 'even'}`;
const textOf = (rows: number, end = '\n'): string =>
  ['a,b,label', ...Array.from({ length: rows }, (_, i) => row(i))].join('\n') + end;

/** A pipeline over a file that grows, on a store in memory, as a worker would run it. */
class Pipeline {
  readonly #deps: SourceDeps & { store: Store };
  readonly #file: string;
  readonly #params;
  rows = 0;
  #runs = 0;

  constructor(seed: number | null) {
    const root = mkdtempSync(join(tmpdir(), 'growing '));
    folders.push(root);
    this.#file = join(root, 'grow.csv');
    this.#params = paramsSchema.parse({
      data: { source: 'grow.csv', target: 'label', batch_size: SIZE, shuffle_seed: seed },
    });
    this.#deps = {
      root,
      scratch: root,
      compute: computeHere,
      local: new LocalCache(join(root, 'cache')),
      store: storeIn(new MemoryBucket()),
      sources: {
        s3: { region: 'us-east-1', bucket: 'unused' },
        limits: limitsFromEnv({}),
      },
    };
  }

  append(rows: number, end?: string): void {
    this.rows += rows;
    writeFileSync(this.#file, textOf(this.rows, end));
  }

  /** Puts any text in the table's place. */
  spoil(text: string): void {
    writeFileSync(this.#file, text);
  }

  async look(batch = 1): Promise<void> {
    await this.#inActivity(() => getData(this.#deps, { ...this.#ask(batch), refresh: true }));
  }

  /** Appends rows, looks at them, and cuts the batches up to this one. */
  async grow(rows: number, batch: number): Promise<void> {
    this.append(rows);
    await this.look();
    await this.cut(batch);
  }

  async cut(batch: number, cache: CacheUse = 'use'): Promise<void> {
    const { raw } = await this.ledger();
    const { ref, columns } = raw.at(-1)!;
    const request = { ...this.#ask(batch), cache, inputs: { raw: ref, columns } };
    await this.#inActivity(() => prepareBatch(this.#deps, request));
  }

  /** Batches a nightly would run after its own look. */
  async pending(): Promise<number[]> {
    const request = { pipeline: 'p', params: this.#params, source: null, rebuild: false };
    const { batches } = await this.#inActivity(() =>
      findPending(this.#deps, { ...request, look: true }),
    );
    return batches.map(({ batch }) => batch);
  }

  async ledger(): Promise<Ledger> {
    return (await this.#deps.store.ledgers.read('p'))!;
  }

  /** The rows of the batches, in order. */
  async cutRows(): Promise<string[][]> {
    const { batches } = await this.ledger();
    const texts = await Promise.all(batches.map(({ ref }) => this.#deps.store.artifacts.get(ref)));
    return texts.map((bytes) => Buffer.from(bytes).toString().trimEnd().split('\n').slice(1));
  }

  #ask(batch: number) {
    return {
      pipeline: 'p',
      batch,
      params: this.#params,
      cache: 'use' as const,
      damaged: [],
      inputs: {},
      force: null,
      source: null,
      refresh: false,
    };
  }

  #inActivity<T>(work: () => Promise<T>): Promise<T> {
    // Each in a separate run: a forced run takes what it has made itself.
    const workflowExecution = { workflowId: 'w', runId: `run-${this.#runs++}` };
    const logger = new DefaultLogger('ERROR');
    return new MockActivityEnvironment({ workflowExecution }, { logger }).run(work);
  }
}

type Step =
  | { do: 'append'; rows: number; end: string }
  | { do: 'look' }
  | { do: 'cut' }
  | { do: 'night' }
  | { do: 'again'; batch: number }
  | { do: 'both' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      rows: fc.integer({ min: 1, max: 7 }),
      end: fc.constantFrom('\n', ''),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'look' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'cut' as const }) },
  fc.constant({ do: 'night' as const }),
  fc.record({ do: fc.constant('again' as const), batch: fc.nat(20) }),
  fc.constant({ do: 'both' as const }),
);

/** Cuts what is whole, as far as is known. */
async function cutWhole(pipeline: Pipeline): Promise<void> {
  const ledger = await pipeline.ledger();
  const { after, rows } = ledger.raw.at(-1)!;
  const last = after + Math.floor(rows / SIZE);
  if (last > ledger.batches.length) await pipeline.cut(last);
}

async function take(pipeline: Pipeline, one: Step): Promise<void> {
  switch (one.do) {
    case 'append':
      return pipeline.append(one.rows, one.end);
    case 'look':
      return pipeline.look();
    case 'cut':
      return cutWhole(pipeline);
    case 'night':
      for (const batch of await pipeline.pending())
        if (batch > (await pipeline.ledger()).batches.length) await pipeline.cut(batch);
      return;
    case 'again': {
      const { batches } = await pipeline.ledger();
      return pipeline.cut((one.batch % batches.length) + 1);
    }
    case 'both':
      await Promise.all([pipeline.look(), cutWhole(pipeline), pipeline.look(), cutWhole(pipeline)]);
  }
}

describe('a table that grows', () => {
  it.each([null, 42])('gives the same batches whenever it is looked at (seed %s)', async (seed) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: SIZE, max: 10 }),
        fc.array(step, { maxLength: 12 }),
        async (first, steps) => {
          const often = new Pipeline(seed);
          often.append(first);
          await often.look();
          await often.cut(1);
          for (const one of steps) await take(often, one);
          await often.look();
          await cutWhole(often);

          const order = [...permuteRows(first, seed)];
          for (let i = first; i < often.rows; i++) order.push(i);
          const expected = Array.from({ length: Math.floor(often.rows / SIZE) }, (_, i) =>
            order.slice(i * SIZE, (i + 1) * SIZE).map(row),
          );
          expect(await often.cutRows()).toEqual(expected);
          if (seed !== null) return;
          const once = new Pipeline(seed);
          once.append(often.rows);
          await once.look();
          await cutWhole(once);
          const hashes = ({ batches }: Ledger) => batches.map(({ ref }) => ref.sha256);
          expect(hashes(await often.ledger())).toEqual(hashes(await once.ledger()));
        },
      ),
      { numRuns: 15 },
    );
  });

  it('loses no row and repeats none, however batches are cut short while rows come', async () => {
    const racing = fc.record({ rows: fc.integer({ min: 1, max: 5 }), first: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(racing, { minLength: 1, maxLength: 8 }), async (rounds) => {
        const pipeline = new Pipeline(null);
        await pipeline.grow(SIZE, 1);
        for (const { rows, first } of rounds) {
          pipeline.append(rows);
          if (first) await pipeline.look();
          const known = batchesKnown(await pipeline.ledger());
          pipeline.append(1);
          await Promise.all([pipeline.look(), pipeline.cut(known), pipeline.look()]);
        }
        await pipeline.look();
        await pipeline.cut(batchesKnown(await pipeline.ledger()));
        const order = Array.from({ length: pipeline.rows }, (_, i) => row(i));
        expect((await pipeline.cutRows()).flat()).toEqual(order);
      }),
      { numRuns: 10 },
    );
  });

  it('begins the next batch after one that was cut short, which stays so', async () => {
    const pipeline = new Pipeline(null);
    await pipeline.grow(5, 2);
    pipeline.append(4);
    expect(await pipeline.pending()).toEqual([1, 2, 3]);
    await pipeline.cut(3);
    const rows = Array.from({ length: 9 }, (_, i) => row(i));
    expect(await pipeline.cutRows()).toEqual([
      rows.slice(0, 3),
      rows.slice(3, 5),
      rows.slice(5, 8),
    ]);
    expect(batchesKnown(await pipeline.ledger())).toBe(4);
  });

  it('refuses new rows that do not fit by their place in the source, before they are known', async () => {
    const pipeline = new Pipeline(null);
    await pipeline.grow(4, 1);
    const before = await pipeline.ledger();
    pipeline.append(2);
    pipeline.spoil(`${textOf(6)}many,c,odd\n`);
    await expect(pipeline.look()).rejects.toThrow(
      /grow\.csv, row 7 \(line 8\), column "a": "many"/,
    );
    pipeline.spoil(`${textOf(3)}9,9,odd\n`);
    await expect(pipeline.look()).rejects.toThrow(
      'row 4 was "3,c,odd" and is "9,9,odd"; put the source back. If the change is right: batch 2 of p, which is not cut yet, has the rows that are stored; cut it with "npx retrain stage prepare_batch 2 --pipeline p", then give it other rows by "npx retrain amend 2 --source FILE --pipeline p"',
    );
    pipeline.spoil(textOf(4).replace('3,c,odd\n', '3,c,oddly\n'));
    await expect(pipeline.look()).rejects.toThrow('row 4 was "3,c,odd" and is "3,c,oddly"');
    expect(await pipeline.ledger()).toEqual(before);
  });

  it('knows its rows in any spelling, also those of a later state that begins with waiting rows', async () => {
    const pipeline = new Pipeline(null);
    await pipeline.grow(4, 1);
    await pipeline.grow(3, 2);
    const before = await pipeline.ledger();
    const spelled = textOf(9).replaceAll('\n', '\r\n');
    pipeline.spoil(spelled.replace(row(5), '7,d,odd'));
    await expect(pipeline.look()).rejects.toThrow(
      'row 6 was "1,a,b,odd" and is "7,d,odd"; batch 2 of p keeps the rows it has',
    );
    expect(await pipeline.ledger()).toEqual(before);
    pipeline.spoil(spelled);
    await pipeline.look();
    await pipeline.cut(3);
    const rows = Array.from({ length: 9 }, (_, i) => row(i));
    expect((await pipeline.cutRows()).flat()).toEqual(rows);
  });

  it('gives the same batches from all of its states when they are cut again', async () => {
    const pipeline = new Pipeline(null);
    for (const [rows, batch] of [
      [4, 1],
      [3, 2],
      [5, 4],
    ] as const) {
      await pipeline.grow(rows, batch);
    }
    const before = await pipeline.ledger();
    expect(new Set(before.raw.map(({ after }) => after)).size).toBe(3);
    await pipeline.cut(4, 'bypass');
    expect(await pipeline.ledger()).toEqual(before);
    expect((await pipeline.cutRows()).flat()).toEqual(Array.from({ length: 12 }, (_, i) => row(i)));
  });

  it('refuses a last row that goes on where it had ended without a line break', async () => {
    const pipeline = new Pipeline(null);
    pipeline.append(4, '');
    await pipeline.look();
    await pipeline.cut(1);
    pipeline.spoil(`${textOf(4, '')}ly\n0,d,even\n`);
    await expect(pipeline.look()).rejects.toThrow('row 4 was "3,c,odd" and is "3,c,oddly"');
    await pipeline.grow(2, 2);
    const rows = Array.from({ length: 6 }, (_, i) => row(i));
    expect((await pipeline.cutRows()).flat()).toEqual(rows);
  });
});
