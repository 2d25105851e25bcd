import { fromArrow } from 'arquero';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StorageUnavailable } from '../../contract/failures.ts';
import { findStage } from '../../contract/stages.ts';
import { blockOf } from '../../pipeline/predictions/raw-block.ts';
import { Canary } from '../../serving/canary.ts';
import { FollowedModel } from '../../serving/followed-model.ts';
import type { ServingReport } from '../../serving/http/report.ts';
import { openServer } from '../../serving/http/server.ts';
import type { LoadedModel } from '../../serving/load-model.ts';
import { type LogOptions, RequestLog } from '../../serving/request-log.ts';
import { Shadow } from '../../serving/shadow.ts';
import { objectKey } from '../../store/hash.ts';
import { type Store, storeIn } from '../../store/index.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { HEADER, publishModel } from './stored-model.ts';
import { SOON } from '../support/soon.ts';

/** What a server does beside answering by one model: canary, shadow and the log of requests. */

let bucket: MemoryBucket;
let store: Store;
let isAway: boolean;
let server: FastifyInstance | undefined;
const faults: Error[] = [];

beforeEach(async () => {
  isAway = false;
  bucket = new MemoryBucket(undefined, {
    around: (_, act) => {
      if (isAway) throw new StorageUnavailable('the store does not answer');
      return act();
    },
  });
  await bucket.ensure();
  store = storeIn(bucket);
  await publishModel(store, 1);
});

afterEach(async () => {
  vi.useRealTimers();
  await server?.close();
  server = undefined;
  const [fault] = faults.splice(0);
  if (fault !== undefined) throw fault;
});

interface Beside {
  canary?: { share: number; key?: string };
  shadow?: boolean;
  log?: Partial<LogOptions>;
}

/** Serves version 1, with version 2 as the canary and as the shadow. */
async function serve({ canary, shadow = false, log }: Beside) {
  const other = await FollowedModel.openOptional(store, 'made', 2);
  const parts = {
    model: await FollowedModel.open(store, 'made', 1),
    canary: canary && new Canary({ model: other, share: canary.share, key: canary.key }),
    shadow: shadow ? new Shadow(other) : undefined,
    log:
      log &&
      new RequestLog(bucket, 'made', {
        share: 1,
        without: [],
        with: [],
        mostBytes: 1_000_000,
        ...log,
      }),
  };
  server = openServer({
    ...parts,
    mostBytes: 10_000_000,
    mostRequests: 100,
    ending: new AbortController().signal,
    onFault: (error) => faults.push(error),
  });
  return { ...parts, other };
}

const COLUMNS = HEADER.slice(0, -1);

async function ask(body: object | string, headers: object = {}) {
  const answer = await server!.inject({
    method: 'POST',
    url: '/invocations',
    headers: {
      'content-type': typeof body === 'string' ? 'text/csv' : 'application/json',
      ...headers,
    },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const document = answer.json<{
    predictions: unknown[];
    model_versions?: string[];
    message?: string;
  }>();
  return { status: answer.statusCode, headers: answer.headers, ...document };
}

async function readReport(): Promise<ServingReport> {
  return (await server!.inject('/report')).json();
}

async function readMetrics(): Promise<string[]> {
  return (await server!.inject('/metrics')).body.split('\n');
}

/** Rows of which every tenth of `size` occurs, with a column that the model does not read. */
const people = Array.from({ length: 400 }, (_, i) => ({
  size: i % 10,
  weight: i,
  color: 'red',
  day: null,
  person: `person ${i}`,
}));

/** The version that answers each row alone. */
async function findVersions(rows: readonly object[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const row of rows)
    answers.push((await ask({ instances: [row] })).headers['x-model-version']);
  return answers;
}

describe('a canary', () => {
  beforeEach(() => publishModel(store, 2, { labels: ['little', 'big'] }));

  it('answers its share of the keys, each always, and each answer names the version', async () => {
    await serve({ canary: { share: 0.25, key: 'person' } });
    const { status, headers, predictions, model_versions } = await ask({ instances: people });
    expect([status, headers['x-model-version']]).toEqual([200, '1.1, 2.1']);
    const byCanary = model_versions!.filter((version) => version === '2.1').length;
    expect(byCanary).toBeGreaterThan(60);
    expect(byCanary).toBeLessThan(140);
    const words = { '1.1': ['small', 'large'], '2.1': ['little', 'big'] } as const;
    expect(predictions).toEqual(
      people.map(
        ({ size }, i) => words[model_versions![i] as keyof typeof words][size < 5 ? 0 : 1],
      ),
    );
    const others = people.map((row) => ({ ...row, size: 9 - row.size, weight: 0 }));
    expect(await findVersions(others)).toEqual(model_versions);
    expect(await readMetrics()).toEqual(
      expect.arrayContaining([
        `retrain_rows_total{role="canary"} ${2 * byCanary}`,
        `retrain_rows_total{role="model"} ${2 * (people.length - byCanary)}`,
        'retrain_model_info{role="canary",pipeline="made",version="2",build="1"} 1',
      ]),
    );
    const report = await readReport();
    expect(report.canary).toMatchObject({ share: 0.25, key: 'person', rows: 2 * byCanary });
  });

  it('without a key column takes equal rows, as JSON or as CSV, for equal keys', async () => {
    await serve({ canary: { share: 0.5 } });
    const { model_versions } = await ask({ instances: people });
    expect(new Set(model_versions)).toEqual(new Set(['1.1', '2.1']));
    const lines = people.map(({ size, weight }) => `${size}.0,${weight},red,`);
    const csv = [COLUMNS.join(), ...lines].join('\n');
    expect((await ask(csv)).model_versions).toEqual(model_versions);
  });

  it('answers the same rows of long CSV, which is read in blocks', async () => {
    await serve({ canary: { share: 0.5, key: 'person' } });
    const many = Array.from({ length: 30_000 }, (_, i) => `${i % 10},1,red,,person ${i}`);
    const { predictions, model_versions } = await ask(
      [`${COLUMNS.join()},person`, ...many].join('\n'),
    );
    expect(predictions).toHaveLength(many.length);
    expect(predictions.every((label) => typeof label === 'string')).toBe(true);
    expect(model_versions!.slice(0, 400)).toEqual(
      (await ask({ instances: people })).model_versions,
    );
  });

  it('answers no row without a key', async () => {
    await serve({ canary: { share: 1, key: 'person' } });
    const rows = [{ person: 'me' }, { person: null }, { person: ' ' }, {}].map((own) => ({
      size: 1,
      weight: 1,
      color: 'red',
      day: null,
      ...own,
    }));
    expect(await findVersions(rows)).toEqual(['2.1', '1.1', '1.1', '1.1']);
    expect((await readReport()).canary).toMatchObject({ rows: 1, rows_without_key: 3 });
  });

  it('counts no row without a key of a request that is refused', async () => {
    const { canary } = await serve({ canary: { share: 1, key: 'person' } });
    const rows = [
      { ...people[0], person: null },
      { ...people[1], size: 'two' },
    ];
    expect((await ask({ instances: rows })).status).toBe(400);
    expect(canary!.withoutKey).toBe(0);
  });

  it('that fails counts its rows in all blocks of the request', async () => {
    const { other } = await serve({ canary: { share: 1, key: 'person' } });
    vi.spyOn(other.current!.predictor, 'predict').mockImplementationOnce(() => {
      throw new Error('out of order');
    });
    const many = Array.from({ length: 30_000 }, (_, i) => `${i % 10},1,red,,person ${i}`);
    const answer = await ask([`${COLUMNS.join()},person`, ...many].join('\n'));
    expect([answer.status, answer.headers['x-model-version']]).toEqual([200, '1.1']);
    expect((await readReport()).canary).toMatchObject({ rows: 0, rows_failed: many.length });
  });

  it('leaves a row to the model that it cannot answer, and says so', async () => {
    const { other } = await serve({ canary: { share: 1, key: 'person' } });
    vi.spyOn(other.current!.predictor, 'predict').mockImplementation(() => {
      throw new Error('out of order');
    });
    const { status, headers, predictions } = await ask({ instances: people.slice(0, 2) });
    expect([status, headers['x-model-version'], predictions]).toEqual([
      200,
      '1.1',
      ['small', 'small'],
    ]);
    expect((await readReport()).canary).toMatchObject({
      rows: 0,
      rows_failed: 2,
      problem: 'out of order',
    });
  });

  it('is not at fault for a row that the model cannot read either', async () => {
    const { canary } = await serve({ canary: { share: 1, key: 'person' } });
    const { status, message } = await ask({
      instances: [people[0], { ...people[1], size: 'two' }],
    });
    expect([status, message]).toEqual([
      400,
      expect.stringContaining('instances, row 2, column "size": "two" is not a number'),
    ]);
    expect([canary!.failed, canary!.problem]).toEqual([0, undefined]);
  });

  it('names the right row of a request that is split', async () => {
    await serve({ canary: { share: 0.5, key: 'person' } });
    for (const bad of [0, 100, 399]) {
      const rows = people.map((row, i) => (i === bad ? { ...row, weight: 'heavy' } : row));
      const { status, message } = await ask({ instances: rows });
      expect([status, message]).toEqual([
        400,
        expect.stringContaining(`instances, row ${bad + 1}, column "weight"`),
      ]);
    }
  });
});

it('a canary that was never found has no time of a check', async () => {
  await serve({ canary: { share: 1 } });
  expect((await readReport()).canary).toMatchObject({ version: null, checked_at: null });
  const times = (await readMetrics()).filter((line) =>
    line.startsWith('retrain_model_checked_timestamp_seconds{'),
  );
  expect(times).toEqual([expect.stringContaining('role="model"')]);
});

it('a canary that was never loaded, or that is the model itself, answers nothing', async () => {
  const { canary, other } = await serve({ canary: { share: 1 } });
  expect(await findVersions(people.slice(0, 1))).toEqual(['1.1']);
  expect(canary!.problem).toMatch(/^no model was found: /);
  await publishModel(store, 2);
  await other.check();
  expect(await findVersions(people.slice(0, 1))).toEqual(['2.1']);
  const same = await FollowedModel.openOptional(store, 'made', 1);
  const model = await FollowedModel.open(store, 'made', '1.1');
  expect(
    new Canary({ model: same, share: 1, key: undefined }).pickOther(model.current),
  ).toBeUndefined();
});

describe('a shadow', () => {
  /** Waits until the shadow has scored so many rows. */
  async function readComparison(rows: number) {
    return vi.waitFor(async () => {
      const { comparison } = (await readReport()).shadow!;
      const counts = Object.values(comparison?.rows ?? {});
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(rows);
      return comparison!;
    }, SOON);
  }

  it('answers nothing, and counts where it agrees and what both predict', async () => {
    await publishModel(store, 2, { labels: ['small', 'big'] });
    await serve({ shadow: true });
    const { headers, predictions } = await ask({ instances: people });
    expect(headers['x-model-version']).toBe('1.1');
    expect(new Set(predictions)).toEqual(new Set(['small', 'large']));
    const csv = [COLUMNS.join(), '1,1,red,', '9,1,red,'].join('\n');
    await ask(csv);
    const comparison = await readComparison(402);
    expect(comparison).toMatchObject({
      rows: { alike: 201, different: 201, failed: 0, skipped: 0 },
      agreement: 0.5,
      distributions: {
        model: { classes: { small: 201, large: 201 } },
        shadow: { classes: { small: 201, big: 201 } },
      },
      differing: [{ model: 'large', shadow: 'big', rows: 201 }],
      mean_difference: null,
    });
    expect(await readMetrics()).toEqual(
      expect.arrayContaining([
        'retrain_shadow_rows_total{result="alike"} 201',
        'retrain_predictions_total{role="shadow",class="big"} 201',
        'retrain_model_info{role="shadow",pipeline="made",version="2",build="1"} 1',
      ]),
    );
    const numbers = /^retrain_(?:shadow_difference|predicted_number)[_{ ]/;
    expect((await readMetrics()).filter((line) => numbers.test(line))).toEqual([]);
  });

  it('of a regression is compared by means, quantiles and the differences', async () => {
    await publishModel(store, 1, { labels: ['1', '3'], task: 'regression' });
    await publishModel(store, 2, { labels: ['1', '5'], task: 'regression' });
    await serve({ shadow: true });
    await ask({ instances: people });
    expect(await readComparison(400)).toMatchObject({
      agreement: 0.5,
      distributions: {
        model: { mean: 2, quantiles: { 0.05: 1, 0.95: 3 } },
        shadow: { mean: 3, quantiles: { 0.05: 1, 0.95: 5 } },
      },
      differing: null,
      mean_difference: 1,
    });
    expect(await readMetrics()).toEqual(
      expect.arrayContaining([
        'retrain_predicted_number{quantile="0.95",role="shadow"} 5',
        'retrain_shadow_difference_count 400',
      ]),
    );
  });

  it('that fails fails no answer, and says why', async () => {
    await publishModel(store, 2);
    const { other } = await serve({ shadow: true });
    vi.spyOn(other.current!.predictor, 'predict').mockImplementation(() => {
      throw new Error('out of order');
    });
    expect((await ask({ instances: people })).status).toBe(200);
    expect(await readComparison(400)).toMatchObject({ rows: { failed: 400 }, agreement: null });
    expect((await readReport()).shadow).toMatchObject({ version: 2, problem: 'out of order' });
    const health = (await server!.inject('/health')).json<object>();
    expect(health).toMatchObject({ status: 'ok', shadow: { problem: 'out of order' } });
  });

  it('that predicts numbers where the model predicts classes is not compared', async () => {
    await publishModel(store, 2, { labels: ['1', '5'], task: 'regression' });
    await serve({ shadow: true });
    await ask({ instances: people });
    expect(await readComparison(400)).toMatchObject({ rows: { failed: 400 } });
    expect((await readReport()).shadow!.problem).toMatch(/^one model predicts classes/);
  });

  it('begins again when it is replaced by a newer build', async () => {
    await publishModel(store, 2);
    const { other } = await serve({ shadow: true });
    await ask({ instances: people });
    expect((await readComparison(400)).agreement).toBe(1);
    await publishModel(store, 2, { labels: ['little', 'big'] });
    await other.check();
    await ask({ instances: people.slice(0, 5) });
    expect(await readComparison(5)).toMatchObject({ rows: { different: 5 }, agreement: 0 });
  });

  it('scores the rows that the model has answered, and none of the canary', async () => {
    await publishModel(store, 2, { labels: ['little', 'big'] });
    await serve({ shadow: true, canary: { share: 0.5, key: 'person' } });
    await ask({ instances: people });
    const { rows } = await readReport();
    expect((await readComparison(rows)).rows.different).toBe(rows);
    expect(rows).toBeLessThan(400);
  });

  /** Rows of which the model has answered those with a prediction. */
  const answeredRows = (
    model: LoadedModel,
    rows: readonly (readonly [size: unknown, prediction: string | undefined])[],
  ) => ({
    blocks: () => [
      blockOf(
        rows.length,
        (row, column) => (column === 'size' ? rows[row]![0] : null),
        (row) => `row ${row + 1}`,
      ),
    ],
    bytes: 1,
    model,
    predictions: rows.map(([, prediction]) => prediction),
  });

  it('scores no request that the canary has answered whole, and reports no row of the canary', async () => {
    await publishModel(store, 2);
    const { shadow, model } = await serve({ shadow: true });
    shadow!.watch(answeredRows(model.current, [['two', undefined]]));
    expect(await shadow!.describe()).toBeUndefined();
    shadow!.watch(
      answeredRows(model.current, [
        ['two', undefined],
        [1, 'small'],
      ]),
    );
    expect((await readComparison(1)).rows).toMatchObject({ alike: 1, failed: 0 });
    expect(shadow!.problem).toBeUndefined();
    shadow!.watch(
      answeredRows(model.current, [
        ['two', undefined],
        ['three', 'small'],
      ]),
    );
    expect((await readComparison(2)).rows).toMatchObject({ alike: 1, failed: 1 });
    expect(shadow!.problem).toBe('row 2, column "size": "three" is not a number');
  });

  it('compares each block of a request with the answers to its own rows', async () => {
    await publishModel(store, 2);
    const { shadow, model } = await serve({ shadow: true });
    const [small, large] = [
      answeredRows(model.current, [
        [1, 'small'],
        [2, 'small'],
      ]),
      answeredRows(model.current, [
        [8, 'large'],
        [9, 'large'],
      ]),
    ];
    shadow!.watch({
      ...small,
      blocks: () => [...small.blocks(), ...large.blocks()],
      predictions: [...small.predictions, ...large.predictions],
    });
    expect((await readComparison(4)).rows).toMatchObject({ alike: 4, different: 0 });
  });

  it('counts the pairs of predictions beyond 100 together', async () => {
    await publishModel(store, 2);
    const { shadow, model, other } = await serve({ shadow: true });
    const rows = Array.from({ length: 150 }, (_, i) => [1, `model ${i}`] as const);
    vi.spyOn(other.current!.predictor, 'predict').mockReturnValue({
      predictions: rows.map((_, i) => `shadow ${i}`),
      unreadable: [],
    });
    shadow!.watch(answeredRows(model.current, rows));
    const { differing } = await readComparison(150);
    expect(differing).toHaveLength(101);
    expect(differing![0]).toEqual({ model: 'other', shadow: 'other', rows: 50 });
  });

  it.each([
    { rows: 80_000, bytes: 1 },
    { rows: 1, bytes: 20_000_000 },
  ])('skips rows beyond those that may wait: $rows rows, $bytes bytes', async ({ rows, bytes }) => {
    await publishModel(store, 2);
    const { shadow, model, other } = await serve({ shadow: true });
    const answered = {
      blocks: () => [],
      bytes,
      model: model.current,
      predictions: Array.from({ length: rows }, () => 'small'),
    };
    for (let i = 0; i < 3; i++) shadow!.watch(answered);
    expect((await shadow!.describe())!.rows).toMatchObject({ skipped: 2 * rows });
    expect(other.problem).toBeUndefined();
  });
});

describe('the log of requests', () => {
  const readKeys = () =>
    [...bucket.server.objects!.keys()].filter((key) => key.startsWith('requests/'));
  const readRows = (key: string) => fromArrow(bucket.server.objects!.get(key)!.bytes);

  it('has the rows with their answers, versions and times as Arrow', async () => {
    const now = Date.UTC(2026, 0, 1, 23, 59, 59);
    vi.useFakeTimers({ toFake: ['Date'], now });
    await publishModel(store, 2, { labels: ['little', 'big'] });
    const { log } = await serve({
      log: { without: ['color'], with: ['person', 'weight'] },
      canary: { share: 1, key: 'person' },
    });
    const { headers } = await ask({ instances: people.slice(0, 2) }, { 'x-request-id': 'order 1' });
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    const csv = `${COLUMNS.join()}\n9,NA,red,2024-01-31\n`;
    expect((await ask(csv, { 'x-request-id': 'order-2' })).headers['x-request-id']).toBe('order-2');
    expect((await readReport()).log).toMatchObject({ rows: 0, rows_waiting: 3, files: 0 });
    await log!.write(0);
    const [key, ...more] = readKeys();
    expect(more).toEqual([]);
    expect(key).toMatch(/^requests\/made\/2026-01-01\/235959-[0-9a-f]{8}-1\.arrow$/);
    const rows = readRows(key!);
    expect(rows.columnNames()).toEqual([
      '_time',
      '_request',
      '_row',
      '_version',
      '_prediction',
      '_probability',
      'size',
      'weight',
      'day',
      'person',
    ]);
    const shown = rows.select(rows.columnNames((name) => name !== '_time')).objects();
    expect(shown).toEqual([
      {
        _request: headers['x-request-id'],
        _row: 0,
        _version: '2.1',
        _prediction: 'little',
        _probability: 1,
        size: 0,
        weight: 0,
        day: null,
        person: 'person 0',
      },
      {
        _request: headers['x-request-id'],
        _row: 1,
        _version: '2.1',
        _prediction: 'little',
        _probability: 1,
        size: 1,
        weight: 1,
        day: null,
        person: 'person 1',
      },
      {
        _request: 'order-2',
        _row: 0,
        _version: '1.1',
        _prediction: 'large',
        _probability: 1,
        size: 9,
        weight: null,
        day: '2024-01-31',
        person: null,
      },
    ]);
    const time = rows.get('_time', 0) as unknown as Date;
    expect(time.getTime()).toBe(now);
    expect((await readReport()).log).toMatchObject({
      rows: 3,
      rows_waiting: 0,
      files: 1,
      rows_dropped: 0,
    });
    expect(await readMetrics()).toContain('retrain_log_rows_total 3');
  });

  it('has the numbers of a regression as numbers', async () => {
    await publishModel(store, 1, { labels: ['1.5', '40'], task: 'regression' });
    const { log } = await serve({ log: {} });
    await ask({ instances: people.slice(4, 6) });
    await log!.write(0);
    const rows = readRows(readKeys()[0]!);
    expect([rows.array('_prediction'), rows.array('_probability')].map((one) => [...one])).toEqual([
      [1.5, 40],
      [null, null],
    ]);
  });

  it('has the share of requests that is asked for, each whole, and no refused one', async () => {
    const { log } = await serve({ log: { share: 0.5 } });
    const random = vi.spyOn(Math, 'random');
    for (const value of [0.7, 0.3, 0.5, 0.1]) {
      random.mockReturnValue(value);
      await ask({ instances: people.slice(0, 3) });
    }
    random.mockReturnValue(0);
    expect((await ask({ instances: [people[0], { ...people[1], size: 'x' }] })).status).toBe(400);
    random.mockRestore();
    await log!.write(0);
    expect(log!.written.rows).toBe(6);
  });

  it('makes a file of 5 000 rows, and of fewer after a minute', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { log } = await serve({ log: { mostBytes: 1e9 } });
    for (let i = 0; i < 13; i++) await ask({ instances: people });
    await log!.write(60_000);
    expect(log!.written).toMatchObject({ rows: 5_200, files: 1 });
    await ask({ instances: people });
    vi.advanceTimersByTime(60_000);
    await log!.write(60_000);
    expect(log!.written).toMatchObject({ rows: 5_600, files: 2 });
  });

  it('of versions with other columns has separate files', async () => {
    const { log, model } = await serve({ log: {} });
    await ask({ instances: people });
    await publishModel(store, 1, { labels: ['1.5', '40'], task: 'regression' });
    await model.check();
    await ask({ instances: people });
    await log!.write(0);
    expect(readKeys()).toHaveLength(2);
  });

  it('waits while the bucket is away, and drops what does not fit in memory', async () => {
    const { log } = await serve({ log: {} });
    await ask({ instances: people });
    isAway = true;
    await log!.write(0);
    expect(log!.problem).toBe('the log of requests waits: the store does not answer');
    const large = people.map((row) => ({ ...row, color: 'x'.repeat(10_000) }));
    for (let i = 0; i < 6; i++) expect((await ask({ instances: large })).status).toBe(200);
    expect(log!.dropped).toBe(3 * people.length);
    expect(log!.waiting).toBeLessThan(32_000_000);
    isAway = false;
    await log!.write(0);
    expect(log!.written).toMatchObject({ rows: 4 * people.length, files: 2 });
    expect(await readMetrics()).toContain(`retrain_log_rows_dropped_total ${log!.dropped}`);
  });

  it('ends for the day at the most bytes, also of an earlier server', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1, 23, 58) });
    const { log: before } = await serve({ log: {} });
    await ask({ instances: people });
    await before!.write(0);
    const mostBytes = Math.round(1.5 * before!.written.bytes);
    await server!.close();
    const { log } = await serve({ log: { mostBytes } });
    await ask({ instances: people });
    await log!.write(0);
    expect([log!.written.rows, log!.dropped]).toEqual([0, 400]);
    expect(log!.problem).toMatch(
      /^the log of requests is full for 2026-01-01, with \d+ bytes: raise/,
    );
    // Sooner than the bytes of a day are measured again.
    vi.advanceTimersByTime(180_000);
    await ask({ instances: people });
    await log!.write(0);
    expect([log!.written.rows, log!.problem]).toEqual([400, undefined]);
  });

  it('shares the bytes of a day with the other servers of the pipeline', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1, 12) });
    const { current } = await FollowedModel.open(store, 'made', 1);
    const block = blockOf(
      people.length,
      (row, column) => people[row]![column as 'size'],
      () => '',
    );
    const answers = current.predictor.predict(block.rows, block.read);
    const add = async (log: RequestLog): Promise<void> => {
      const request = log.sample('a')!;
      request.add(block, current, answers, (row) => row);
      request.commit();
      await log.write(0);
    };
    const open = (mostBytes: number): RequestLog =>
      new RequestLog(bucket, 'made', { share: 1, without: [], with: [], mostBytes });
    const first = open(1_000_000);
    await add(first);
    bucket.server.objects!.delete(readKeys()[0]!);
    const [one, other] = [open(2.5 * first.written.bytes), open(2.5 * first.written.bytes)];
    await add(one);
    await add(other);
    vi.advanceTimersByTime(300_000);
    await add(one);
    expect([one.written.files, other.written.files, one.dropped]).toEqual([1, 1, 400]);
    expect(one.problem).toMatch(/^the log of requests is full for 2026-01-01/);
  });

  it('keeps no rows of a request that is too large, and drops it whole', async () => {
    const { log, model } = await serve({ log: {} });
    const { current } = model;
    let reads = 0;
    const long = 'x'.repeat(10_000);
    const block = blockOf(
      1_000,
      (_, column) => {
        if (column !== 'color') return null;
        reads++;
        return long;
      },
      () => '',
    );
    const request = log!.sample('a')!;
    const answers = current.predictor.predict(block.rows, () => 0);
    for (let i = 0; i < 4; i++) request.add(block, current, answers, (row) => row);
    expect(reads).toBe(2_000);
    request.commit();
    expect([log!.waiting, log!.dropped]).toEqual([0, 4_000]);
    expect(log!.problem).toMatch(/^the log of requests may have 32000000 bytes in memory/);
  });

  it('reports rows that were dropped between two writes', async () => {
    const { log, model } = await serve({ log: {} });
    const ended = new AbortController();
    const problems: string[] = [];
    const following = log!.follow(ended.signal, (sentence) => problems.push(sentence));
    const request = log!.sample('a')!;
    const block = blockOf(
      2_000,
      () => 'x'.repeat(10_000),
      () => '',
    );
    const answers = model.current.predictor.predict(block.rows, () => 0);
    request.add(block, model.current, answers, (row) => row);
    request.commit();
    await ask({ instances: people });
    await vi.waitFor(() => expect(problems).toHaveLength(1), SOON);
    expect(problems[0]).toContain('rows beyond them are dropped');
    ended.abort();
    await following;
  });

  it('has the rows of requests that are answered while the server ends', async () => {
    const { log } = await serve({ log: {} });
    const ended = new AbortController();
    const problems: string[] = [];
    const onProblem = (sentence: string) => problems.push(sentence);
    const following = log!.follow(ended.signal, onProblem);
    ended.abort();
    await following;
    await ask({ instances: people });
    await log!.finish(onProblem);
    expect([log!.written.rows, problems]).toEqual([400, []]);
  });

  it('reports rows that it cannot write at the end', async () => {
    const { log } = await serve({ log: {} });
    await ask({ instances: people });
    isAway = true;
    const problems: string[] = [];
    await log!.finish((sentence) => problems.push(sentence));
    expect(problems).toEqual(['the log of requests waits: the store does not answer']);
  });

  it('names the columns to leave out that no model reads, and leaves them out', async () => {
    await publishModel(store, 2);
    const { log, model, other } = await serve({ log: { without: ['color', 'e-mail'] } });
    expect(log!.listUnread([model.current, other.current!])).toEqual(['e-mail']);
    await ask({ instances: people });
    await log!.write(0);
    expect(readRows(readKeys()[0]!).columnNames()).not.toContain('color');
  });
});

it('a damaged version leaves the canary and the shadow without a model, and the server as it is', async () => {
  const { stages } = await publishModel(store, 2, { labels: ['little', 'big'] });
  const encoder = findStage(stages, 'preprocess')!.outputs['encoder']!;
  bucket.server.objects!.delete(objectKey(encoder.md5));
  await serve({ canary: { share: 1 }, shadow: true });
  expect(await findVersions(people.slice(0, 3))).toEqual(['1.1', '1.1', '1.1']);
  expect(await readReport()).toMatchObject({
    problem: null,
    canary: {
      version: null,
      checked_at: expect.stringMatching(/^\d{4}-/),
      problem: expect.stringMatching(/^version 2\.1 was not loaded: /),
    },
    shadow: { version: null, comparison: null },
  });
});
