import { once } from 'node:events';
import { Agent, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findStage } from '../../contract/stages.ts';
import { FollowedModel } from '../../serving/followed-model.ts';
import { endServer, openServer } from '../../serving/http/server.ts';
import { objectKey } from '../../store/hash.ts';
import { type Store, storeIn } from '../../store/index.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { HEADER, makeRows, publishModel } from './stored-model.ts';

const MOST_BYTES = 1_000_000;

let server: FastifyInstance;
let model: FollowedModel;
let ending: AbortController;
let faults: Error[] = [];
let store: Store;
let publish: (version: number) => Promise<VersionRecord>;

async function serve(made: Parameters<typeof publishModel>[2] = {}, mostRequests = 4) {
  store = storeIn(new MemoryBucket());
  await store.bucket.ensure();
  publish = (version) => publishModel(store, version, made);
  await publish(1);
  model = await FollowedModel.open(store, 'made', 'latest');
  ending = new AbortController();
  server = openServer({
    model,
    mostBytes: MOST_BYTES,
    mostRequests,
    ending: ending.signal,
    onFault: (error) => faults.push(error),
  });
}

beforeEach(() => serve());

afterEach(async () => {
  await server.close();
  const [fault] = faults.splice(0);
  if (fault !== undefined) throw fault;
});

const COLUMNS = HEADER.slice(0, -1);
const SMALL = [1, 2, 'red', '2024-01-03'];
const LARGE = [8.5, '3', 'käse', null];
const line = (cells: readonly unknown[]): string => cells.join();
const records = [SMALL, LARGE].map((row) =>
  Object.fromEntries(COLUMNS.map((name, i) => [name, row[i]])),
);

async function post(body: string | object, type = 'application/json', headers: object = {}) {
  const answer = await server.inject({
    method: 'POST',
    url: '/invocations',
    headers: { 'content-type': type, ...headers },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return {
    status: answer.statusCode,
    ...answer.json<{ predictions?: unknown; message?: string }>(),
  };
}

async function refuse(body: string | object, type?: string): Promise<string | undefined> {
  const { status, ...rest } = await post(body, type);
  expect({ status, ...rest }).toEqual({
    status: 400,
    error_code: 'BAD_REQUEST',
    message: expect.any(String),
  });
  expect(rest.message).not.toMatch(/\n| at .*:\d+:\d+/);
  return rest.message;
}

describe('rows are answered alike', () => {
  const columnsOf = Object.fromEntries(
    COLUMNS.map((name, i) => [name, [SMALL[i], LARGE[i]]] as const),
  );
  it.each<[string, object]>([
    ['dataframe_split', { dataframe_split: { columns: COLUMNS, data: [SMALL, LARGE] } }],
    [
      'dataframe_split with an index',
      { dataframe_split: { index: [7, 8], columns: COLUMNS, data: [SMALL, LARGE] } },
    ],
    ['dataframe_split without names', { dataframe_split: { data: [SMALL, LARGE] } }],
    [
      'columns in another order, with more of them and spaces around their names',
      {
        dataframe_split: {
          columns: ['id', ...COLUMNS.toReversed().map((name) => ` ${name} `)],
          data: [SMALL, LARGE].map((row) => [1, ...row.toReversed()]),
        },
      },
    ],
    ['dataframe_records', { dataframe_records: records }],
    ['instances by name', { instances: records.map((row) => ({ ...row, id: 1 })) }],
    ['instances in order', { instances: [SMALL, LARGE] }],
    ['inputs by column', { inputs: columnsOf }],
    ['inputs by row', { inputs: records }],
    ['params that ask for nothing', { inputs: [SMALL, LARGE], params: { proba: false } }],
  ])('as %s', async (_, body) => {
    expect(await post(body)).toEqual({ status: 200, predictions: ['small', 'large'] });
  });

  it.each([
    ['with commas', `${line(COLUMNS)}\r\n${line(SMALL)}\r\n${line(LARGE)}\r\n`],
    ['with the index of a DataFrame', `,${line(COLUMNS)}\n0,${line(SMALL)}\n1,${line(LARGE)}\n`],
    ['with quotes and other columns', `id,${line(COLUMNS)}\n1,${line(SMALL)}\n2,"8.5",3,"käse",\n`],
  ])('as CSV %s', async (_, csv) => {
    expect(await post(csv, 'text/csv; charset=utf-8')).toEqual({
      status: 200,
      predictions: ['small', 'large'],
    });
  });

  it('as CSV with the delimiter of the pipeline', async () => {
    await server.close();
    await serve({ delimiter: ';' });
    const semicolons = [COLUMNS, SMALL].map((row) => row.join(';')).join('\n');
    expect(await post(semicolons, 'text/csv')).toMatchObject({ predictions: ['small'] });
    expect(await post(`${line(COLUMNS)}\n${line(LARGE)}`, 'text/csv')).toMatchObject({
      predictions: ['large'],
    });
  });

  it('as a single row of inputs', async () => {
    expect(await post({ inputs: records[1]! })).toMatchObject({ predictions: ['large'] });
  });

  it('also thousands of them, of which CSV is read in blocks', async () => {
    const some = makeRows();
    const rows = Array.from({ length: 20_000 }, (_, i) => some[i % 40]!);
    const wanted = rows.map((row) => row.at(-1));
    const csv = [HEADER, ...rows].map((row) => row.join()).join('\n');
    expect((await post(csv, 'text/csv')).predictions).toEqual(wanted);
  });
});

describe('values of JSON', () => {
  it('have NaN for missing, as Python writes it, and a missing key like null', async () => {
    const text = JSON.stringify({ dataframe_records: records }).replace('"3"', 'NaN');
    expect(await post(text)).toMatchObject({ predictions: ['small', 'large'] });
    const { weight: _, ...lacking } = records[1]!;
    expect(await post({ dataframe_records: [records[0], lacking] })).toMatchObject({
      predictions: ['small', 'large'],
    });
  });

  it('have a NaN in a text that stays a text', async () => {
    const text = '{"instances": [[1, NaN, "a \\" NaN", null], [8, 1, "NaN\\\\", NaN]]}';
    expect(await post(text)).toMatchObject({ predictions: ['small', 'large'] });
  });
});

describe('labels', () => {
  it('are booleans, whole numbers beyond 2^53 and floats as MLflow writes them', async () => {
    const answers: string[] = [];
    for (const labels of [
      ['TRUE', 'false'],
      ['1', '9007199254740993'],
      ['0.5', '2.0'],
    ]) {
      await server.close();
      await serve({ labels });
      for (const params of [{}, { proba: true }]) {
        const { body } = await server.inject({
          method: 'POST',
          url: '/invocations',
          payload: { inputs: [SMALL, LARGE], params },
        });
        answers.push(body);
      }
    }
    expect(answers).toEqual([
      '{"predictions":[true,false]}',
      '{"predictions":[{"TRUE":1.0,"false":0.0},{"TRUE":0.0,"false":1.0}]}',
      '{"predictions":[1,9007199254740993]}',
      '{"predictions":[{"1":1.0,"9007199254740993":0.0},{"1":0.0,"9007199254740993":1.0}]}',
      '{"predictions":[0.5,2.0]}',
      '{"predictions":[{"0.5":1.0,"2.0":0.0},{"0.5":0.0,"2.0":1.0}]}',
    ]);
  });

  it('of a regression are numbers, which have no probabilities', async () => {
    await server.close();
    await serve({ labels: ['1.5', '40'], task: 'regression' });
    const { body } = await server.inject({
      method: 'POST',
      url: '/invocations',
      payload: { inputs: [SMALL, LARGE] },
    });
    expect(body).toBe('{"predictions":[1.5,40.0]}');
    expect(await refuse({ inputs: [SMALL], params: { proba: true } })).toMatch(
      /a regression has no probabilities/,
    );
  });
});

describe('a request that cannot be answered names its field and its row', () => {
  const split = (more: object) => ({
    dataframe_split: { columns: COLUMNS, data: [SMALL], ...more },
  });
  it.each<[string | object, string]>([
    ['{"inputs": [1,', 'the body is not JSON (it ends too early): correct it'],
    ['{"inputs": nan}', 'the body is not JSON (unexpected'],
    [' ', 'the body is not JSON (it is empty)'],
    [[], 'the body is not an object: give an object with one of dataframe_split,'],
    [{}, 'the body has no field: give an object with one of'],
    [{ data: [] }, 'the body has the fields "data": give an object with one of'],
    [{ inputs: [], instances: [] }, 'the body has instances and inputs: give an object with one'],
    [{ inputs: [] }, 'inputs has no rows: give at least one'],
    [{ dataframe_records: [] }, 'dataframe_records has no rows'],
    [split({ data: [] }), 'dataframe_split has no rows'],
    [{ inputs: Object.fromEntries(COLUMNS.map((name) => [name, []])) }, 'inputs has no rows'],
    [{ dataframe_split: [] }, 'dataframe_split is not an object'],
    [split({ data: {} }), 'dataframe_split.data is not a list'],
    [split({ columns: 'a' }), 'dataframe_split.columns is not a list'],
    [split({ index: [1, 2] }), 'dataframe_split.index has 2 entries, and data has 1 rows'],
    [split({ rows: 1 }), 'dataframe_split has the field "rows"'],
    [
      split({ data: [SMALL, [1, 2]] }),
      'dataframe_split.data, row 2, has 2 cells where there are 4',
    ],
    [split({ data: [SMALL, 7] }), 'dataframe_split.data, row 2, is not a list'],
    [
      { dataframe_split: { columns: ['size', 'day'], data: [] } },
      'dataframe_split.data lacks columns "weight", "color", which the model reads: add them',
    ],
    [
      { dataframe_split: { columns: [...COLUMNS, 'day'], data: [[...SMALL, 1]] } },
      'dataframe_split.data has column "day" more than once',
    ],
    [{ dataframe_records: {} }, 'dataframe_records is not a list'],
    [{ dataframe_records: [records[0], 3] }, 'dataframe_records, row 2, is not an object'],
    [
      { dataframe_records: [{ size: 1 }] },
      'dataframe_records lacks columns "weight", "color", "day"',
    ],
    [
      { instances: [records[0], { ...records[1], weight: undefined }] },
      'instances, row 2, lacks column "weight": add it',
    ],
    [{ inputs: 3 }, 'inputs is not a list'],
    [{ inputs: [[1]] }, 'inputs, row 1, has 1 cell where there are 4 columns'],
    [
      { inputs: { size: [1, 2], weight: [1], color: ['a', 'b'], day: [null, null] } },
      'inputs, column "weight", has 1 values, and column "size" has 2',
    ],
    [
      { inputs: { size: [1], weight: 1, color: ['a'], day: [null] } },
      'inputs, column "weight", is not a list',
    ],
    [
      split({ data: [SMALL, ['two', 1, 'red', null]] }),
      'dataframe_split.data, row 2, column "size": "two" is not a number',
    ],
    [
      split({ data: [[1, 1, 'red', 'yesterday']] }),
      'dataframe_split.data, row 1, column "day": "yesterday" is not a date',
    ],
    [{ inputs: [[1, { a: 1 }, 'red', null]] }, 'inputs, row 1, column "weight": an object is not'],
    [
      '{"inputs": [[1, -Infinity, "red", null]]}',
      'inputs, row 1, column "weight": -Infinity is not',
    ],
    [
      '{"inputs": [[1e400, 1, "red", null]]}',
      'inputs, row 1, column "size": Infinity is not a number',
    ],
    [{ inputs: [SMALL], params: { proba: 'yes' } }, 'params.proba is neither true nor false'],
    [{ inputs: [SMALL], params: [] }, 'params is not an object'],
    [{ inputs: [['__proto__', 1, 'red', null]] }, 'column "size": "__proto__" is not a number'],
  ])('%j', async (body, sentence) => {
    expect(await refuse(body)).toContain(sentence);
  });

  it.each([
    [`${line(COLUMNS)}\n`, 'the body holds a header and no rows'],
    ['size,weight\n1,2\n', 'the body lacks columns "color", "day"'],
    [
      'size;weight;color;day\n1;2;red;\n',
      'the body has a single column, "size;weight;color;day": its delimiter seems to be ";"; send it with ","',
    ],
    [`${line(COLUMNS)}\n1,2\n`, 'the body, line 2, has 2 cells where the header has 4'],
    [
      `${line(COLUMNS)}\n${line(SMALL)}\none,2,red,\n`,
      'the body, line 3, column "size": "one" is not a number',
    ],
  ])('CSV %j', async (csv, sentence) => {
    expect(await refuse(csv, 'text/csv')).toContain(sentence);
  });

  it('is refused when its text is not UTF-8, in JSON and in CSV', async () => {
    for (const type of ['application/json', 'text/csv']) {
      const answer = await server.inject({
        method: 'POST',
        url: '/invocations',
        headers: { 'content-type': type },
        payload: Buffer.from([...Buffer.from(`${line(COLUMNS)}\n`), 0xff, 0xfe]),
      });
      expect([answer.statusCode, answer.body]).toEqual([400, expect.stringContaining('not UTF-8')]);
    }
  });
});

describe('limits', () => {
  it('refuse a body that is too large', async () => {
    const { status, message } = await post(' '.repeat(MOST_BYTES + 1));
    expect([status, message]).toEqual([
      413,
      'the body is larger than 1000000 bytes: send fewer rows at a time',
    ]);
  });

  it('refuse other types, charsets and encodings', async () => {
    const wanted = { status: 415, error_code: 'BAD_REQUEST' };
    expect(await post('<a/>', 'application/xml')).toMatchObject(wanted);
    expect(await post('{}', 'application/json; charset=latin1')).toMatchObject(wanted);
    expect(await post('{}', 'application/json', { 'content-encoding': 'gzip' })).toMatchObject(
      wanted,
    );
    const empty = await server.inject({ method: 'POST', url: '/invocations' });
    expect([empty.statusCode, empty.body]).toEqual([400, expect.stringContaining('body is empty')]);
  });

  it('refuse requests beyond the most at a time, and answer again afterwards', async () => {
    const answers = await Promise.all(Array.from({ length: 9 }, () => post({ inputs: [SMALL] })));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(4);
    expect(statuses.filter((status) => status === 503)).toHaveLength(5);
    expect(answers.at(-1)).toMatchObject({ error_code: 'TEMPORARILY_UNAVAILABLE' });
    expect(await post({ inputs: [SMALL] })).toMatchObject({ status: 200 });
  });

  it('let a connection go on until the end, when each answer closes its own', async () => {
    const ask = async () => (await server.inject('/ping')).headers['connection'];
    expect(await ask()).toBe('keep-alive');
    ending.abort();
    expect(await ask()).toBe('close');
  });

  it('know no other page', async () => {
    const answer = await server.inject('/invocations?x=1');
    expect([answer.statusCode, answer.json()]).toEqual([
      404,
      {
        error_code: 'ENDPOINT_NOT_FOUND',
        message: expect.stringMatching(/^there is no GET \/invocations: /),
      },
    ]);
  });
});

describe('the end', () => {
  /** Asks on connections that stay open, one request after another, until no connection can be opened. */
  async function askUntilRefused(port: number, agent: Agent): Promise<string[]> {
    const seen: string[] = [];
    while (seen.at(-1) !== 'ECONNREFUSED')
      seen.push(
        await new Promise<string>((resolve) => {
          const url = `http://127.0.0.1:${port}/invocations`;
          const headers = { 'content-type': 'application/json' };
          const asked = request(url, { method: 'POST', agent, headers }, (answer) => {
            answer.resume().once('end', () => resolve(String(answer.statusCode)));
          });
          asked.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'unknown'));
          asked.end(JSON.stringify({ inputs: [SMALL] }));
        }),
      );
    return seen;
  }

  it('answers every request on connections that are open, and refuses others', async () => {
    await server.listen({ host: '127.0.0.1', port: 0 });
    const { port } = server.server.address() as AddressInfo;
    const agent = new Agent({ keepAlive: true });
    const clients = [askUntilRefused(port, agent), askUntilRefused(port, agent)];
    await new Promise<void>((resolve) => {
      server.server.on('request', (_, response: ServerResponse) => {
        response.once('finish', resolve);
      });
    });
    ending.abort();
    await endServer(server);
    const seen = (await Promise.all(clients)).flat();
    expect(new Set(seen)).toEqual(new Set(['200', 'ECONNREFUSED']));
    agent.destroy();
  });

  it('closes connections that bring no more requests', async () => {
    await server.listen({ host: '127.0.0.1', port: 0 });
    const { port } = server.server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /ping HTTP/1.1\r\nhost: here\r\n\r\n');
    await once(socket, 'data');
    ending.abort();
    await Promise.all([endServer(server), once(socket, 'close')]);
    expect(server.server.listening).toBe(false);
  });
});

describe('a switch to a newer version', () => {
  it('fails no request, and each answer names the version that gave it', async () => {
    const ask = () =>
      server.inject({ method: 'POST', url: '/invocations', payload: { inputs: [SMALL] } });
    const answers = [await ask()];
    for (let version = 2; version <= 5; version++) {
      await publish(version);
      const [, ...more] = await Promise.all([model.check(), ask(), ask(), ask()]);
      answers.push(...more, await ask());
    }
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ headers }) => headers['x-model-version']))).toEqual(
      new Set(['1.1', '2.1', '3.1', '4.1', '5.1']),
    );
  });
});

describe('what the server says of itself', () => {
  it('is whether it answers, as MLflow says it, and its version', async () => {
    const ping = await server.inject('/ping');
    expect([ping.statusCode, ping.body]).toEqual([200, '\n']);
    expect((await server.inject('/version')).body).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('is which model answers, and why no newer one', async () => {
    const health = async () => (await server.inject('/health')).json<object>();
    expect(await health()).toEqual({
      status: 'ok',
      pipeline: 'made',
      model: 'latest',
      version: 1,
      build: 1,
      checked_at: model.checkedAt!.toISOString(),
      problem: null,
    });
    const { stages } = await publish(2);
    await store.bucket.delete(objectKey(findStage(stages, 'train')!.outputs['model']!.md5));
    await model.check();
    expect(await health()).toMatchObject({
      status: 'degraded',
      version: 1,
      problem: expect.stringMatching(
        /^version 2\.1 was not loaded, and version 1\.1 still answers/,
      ),
    });
  });

  it('is how many requests and rows it has answered, and by which model', async () => {
    await post({ inputs: [SMALL, LARGE] });
    await refuse({ inputs: [] });
    const { body, headers } = await server.inject('/metrics');
    expect(headers['content-type']).toContain('text/plain');
    for (const wanted of [
      'retrain_requests_total{status="200"} 1',
      'retrain_requests_total{status="400"} 1',
      'retrain_request_seconds_count 2',
      'retrain_rows_total{role="model"} 2',
      'retrain_requests_running 0',
      'retrain_model_info{role="model",pipeline="made",version="1",build="1"} 1',
      'retrain_model_is_newest{role="model"} 1',
      'retrain_model_switches_total{role="model"} 0',
    ])
      expect(body.split('\n')).toContain(wanted);
    expect(body).toContain('process_resident_memory_bytes');
  });

  it('is a description of every page, whose example is answered', async () => {
    interface Described {
      paths: Record<string, Record<string, unknown>>;
    }
    const api = (await server.inject('/openapi.json')).json<Described>();
    for (const [path, methods] of Object.entries(api.paths))
      for (const method of Object.keys(methods))
        expect(server.hasRoute({ url: path, method: method.toUpperCase() })).toBe(true);
    expect(server.printRoutes({ commonPrefix: false }).match(/\((?:GET|POST)/g)).toHaveLength(
      Object.keys(api.paths).length,
    );
    const text = JSON.stringify(api);
    for (const [, name] of text.matchAll(/#\/components\/schemas\/(\w+)/g))
      expect(api).toHaveProperty(['components', 'schemas', name!]);
    const example = /"example":(\{.*?\}\})/.exec(text)![1]!;
    expect(await post(example)).toMatchObject({ status: 200 });
  });
});
