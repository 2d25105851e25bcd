import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it, vi } from 'vitest';
import type { ServingReport } from '../../serving/http/report.ts';
import { readCodeBlocks } from '../support/code-blocks.ts';
import { COMMAND, freePort, ROOT } from '../support/project.ts';
import { openProxy } from '../support/proxy.ts';
import { withProject } from '../support/with-project.ts';
import { SOON } from '../support/soon.ts';

const project = withProject('serve', { runs: [['1']] });
const run = promisify(execFile);
const venv = () => process.env['RETRAIN_TEST_STACK_VENV']!;

/** A server that a test has started. */
interface Serving {
  url: string;
  log: () => string;
  kill: (signal: NodeJS.Signals) => Promise<number | null>;
}

const running = new Set<ChildProcess>();
afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
});

/** Starts `retrain serve`. @param onStderr is called with all that it has said */
async function serve(
  args: string[],
  env: Record<string, string> = {},
  onStderr: (said: string) => void = () => undefined,
): Promise<Serving> {
  const child = spawn(process.execPath, [COMMAND, 'serve', '--port', '0', '--json', ...args], {
    cwd: project.folder,
    env: { ...project.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const ended = once(child, 'close').then(() => running.delete(child));
  let [out, said] = ['', ''];
  child.stderr.setEncoding('utf8').on('data', (text: string) => onStderr((said += text)));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('close', () => reject(new Error(`serve has ended: ${said}`)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (out.includes('}')) resolve((JSON.parse(out) as { url: string }).url);
    });
  });
  return {
    url,
    log: () => said,
    kill: async (signal) => {
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
}

const SETOSA = { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 };

async function ask(url: string, rows: object[] = [SETOSA]) {
  const answer = await fetch(`${url}/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dataframe_records: rows }),
  });
  const { predictions } = (await answer.json()) as { predictions?: unknown[] };
  return { status: answer.status, version: answer.headers.get('x-model-version'), predictions };
}

/** Sends a part of a request. @returns a function that sends the rest and returns the answer */
async function beginRequest(url: string): Promise<() => Promise<IncomingMessage>> {
  const body = JSON.stringify({ dataframe_records: [SETOSA] });
  const late = request(`${url}/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': body.length },
  });
  const answered = once(late, 'response') as Promise<[IncomingMessage]>;
  late.write(body.slice(0, 9));
  await vi.waitFor(async () => {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('retrain_requests_running 1\n');
  }, SOON);
  return async () => {
    late.end(body.slice(9));
    const [answer] = await answered;
    answer.resume();
    return answer;
  };
}

async function readHealth(url: string): Promise<{ status: string; problem: string | null }> {
  return (await (await fetch(`${url}/health`)).json()) as {
    status: string;
    problem: string | null;
  };
}

/** Publishes version 1 again, as another one. */
async function publishCopy(version: number): Promise<void> {
  const { schema: _, seq: __, ...draft } = await project.store.records.latest('iris', 1);
  await project.store.records.publish({ ...draft, version, build: `copy-${version}` });
}

/** The first block of code of a language in docs/use.md that has a text. */
function readExample(language: string, text: string, changes: Record<string, string>): string {
  let code = readCodeBlocks('use.md', language).find((block) => block.includes(text))!;
  for (const [before, after] of Object.entries(changes)) {
    expect(code).toContain(before);
    code = code.replace(before, after);
  }
  return code;
}

it('clients of mlflow models serve get the answers that the model gives', async () => {
  const { url } = await serve([]);
  const rows = [SETOSA, { ...SETOSA, petal_length: 5.9, petal_width: 2.1 }];
  const csv = [SETOSA, ...rows].map((row, i) =>
    (i === 0 ? Object.keys : Object.values)(row).join(),
  );
  const file = project.write('rows.csv', `${csv.join('\n')}\n`);
  const { predictions } = await ask(url, rows);
  expect(predictions![0]).toBe('setosa');
  const script = join(import.meta.dirname, 'serve_clients.py');
  const { stdout } = await run(join(venv(), 'bin', 'python'), [script, url, file]);
  expect(JSON.parse(stdout)).toEqual({
    mlflow: predictions,
    most_likely: predictions,
    json: { status: 200, predictions },
    csv: { status: 200, predictions },
    bad: {
      status: 400,
      error_code: 'BAD_REQUEST',
      message: expect.stringMatching(
        /^inputs, row 1, column "sepal_length": "wide" is not a number/,
      ),
    },
  });
});

it('new versions take over under load, and no request fails', async () => {
  const { url } = await serve(['--check-every', '1']);
  const seen = new Map<string, number>();
  const askUntil = async (last: string): Promise<void> => {
    for (let version; version !== last;) {
      const answer = await ask(url);
      ({ version } = answer);
      const key = `${answer.status} ${version}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
  };
  const clients = Array.from({ length: 8 }, () => askUntil('4.1'));
  for (const version of [2, 3, 4]) {
    await publishCopy(version);
    await vi.waitFor(() => expect(seen.has(`200 ${version}.1`)).toBe(true), 60_000);
  }
  await Promise.all(clients);
  expect([...seen.keys()]).toEqual(['200 1.1', '200 2.1', '200 3.1', '200 4.1']);
});

it('a server that was killed answers again when it is started again', async () => {
  const port = String(await freePort());
  const first = await serve(['--port', port]);
  await first.kill('SIGKILL');
  await expect(ask(first.url)).rejects.toThrow('fetch failed');
  const second = await serve(['--port', port]);
  expect(second.url).toBe(first.url);
  expect((await ask(second.url)).status).toBe(200);
});

it('a store that is away is waited for at the start, and later only reported', async () => {
  const proxy = await openProxy(project.env['AWS_ENDPOINT_URL_S3']!);
  try {
    proxy.poison('reset');
    const { url, log } = await serve(
      ['--check-every', '1'],
      { AWS_ENDPOINT_URL_S3: proxy.uri },
      (said) => {
        if (said.includes('does not answer yet')) proxy.poison(undefined);
      },
    );
    expect(log()).toMatch(/S3 at \S+ does not answer yet: trying for 30 s/);
    expect(await readHealth(url)).toMatchObject({ status: 'ok', problem: null });
    proxy.poison('reset');
    await vi.waitFor(
      async () =>
        expect(await readHealth(url)).toMatchObject({
          status: 'degraded',
          problem: expect.stringMatching(
            /^the bucket was not read, and version \d\.1 still answers/,
          ),
        }),
      60_000,
    );
    expect(await ask(url)).toMatchObject({ status: 200, predictions: ['setosa'] });
    proxy.poison(undefined);
    await vi.waitFor(
      async () => expect(await readHealth(url)).toMatchObject({ status: 'ok' }),
      60_000,
    );
  } finally {
    proxy.close();
  }
});

it('the log of requests is read by the code in the docs, and the report has the other model', async () => {
  await publishCopy(2);
  const server = await serve([
    '--model',
    '1',
    '--shadow',
    '2',
    '--canary',
    '50%',
    '--canary-model',
    '2',
    '--canary-key',
    'order',
    '--log-share',
    '100%',
    '--log-with',
    'order',
    '--log-without',
    'sepal_width',
  ]);
  const rows = Array.from({ length: 100 }, (_, i) => ({ ...SETOSA, order: `order ${i}` }));
  expect((await ask(server.url, rows)).version).toBe('1.1, 2.1');
  const { stdout } = await project.client('serve', 'report', '--json', '--url', server.url);
  const { canary, rows: before, ...report } = JSON.parse(stdout) as ServingReport;
  expect(before + canary!.rows).toBe(100);
  expect(report.shadow!.comparison).toMatchObject({ rows: { alike: before }, agreement: 1 });
  const finish = await beginRequest(server.url);
  const ended = server.kill('SIGTERM');
  await vi.waitFor(() => expect(fetch(server.url)).rejects.toThrow('fetch failed'), SOON);
  expect(await finish()).toMatchObject({ statusCode: 200 });
  expect(await ended).toBe(0);
  const own = before + 1;
  const names = [];
  for await (const { key } of project.store.bucket.list('requests/')) names.push(key);
  expect(names).toHaveLength(1);

  const { host } = new URL(project.env['AWS_ENDPOINT_URL_S3']!);
  const python = readExample('python', 'pyarrow.dataset', {
    'http://localhost:8333': `http://${host}`,
    'incremental-training': project.env['RETRAIN_BUCKET']!,
  });
  const shown = `${python.replace(/\n(rows\.groupby.*)\n/, '\nsizes = $1\n')}
print(dict(sorted(sizes.items())), sorted(rows.columns), rows["order"].nunique(), rows["_time"].dtype)`;
  const env = { ...project.env, AWS_REGION: 'us-east-1' };
  const read = await run(join(venv(), 'bin', 'python'), ['-c', shown], { env });
  expect(read.stdout).toContain(
    `{('1.1', 'setosa'): ${own}, ('2.1', 'setosa'): ${canary!.rows}} ['_prediction', '_probability', '_request', '_row', '_time', '_version', 'order', 'petal_length', 'petal_width', 'sepal_length'] 100 datetime64[ms, UTC]`,
  );

  const { bytes } = (await project.store.bucket.get(names[0]!))!;
  const file = project.write('log.arrow', bytes);
  const path = /'requests\/.*\.arrow'/.exec(readExample('ts', 'fromArrow', {}))![0];
  const typescript = readExample('ts', 'fromArrow', { [path]: JSON.stringify(file) });
  const printed = await run(process.execPath, ['--input-type=module', '-e', typescript], {
    cwd: ROOT,
  });
  expect(printed.stdout).toContain(String(own));
});
