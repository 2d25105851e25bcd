import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { BadParams, TrackingRefused, TrackingUnavailable } from '../../contract/failures.ts';
import { createMlflowTracker, type MlflowOptions } from '../../tracking/mlflow/tracker.ts';
import type { Tracker } from '../../tracking/tracker.ts';

const servers: Server[] = [];

/** A server on a free port that gives this answer, and a tracker on it. */
async function serve(
  listener: RequestListener,
  options: Partial<MlflowOptions> = {},
): Promise<Tracker> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return createMlflowTracker({ uri: `http://127.0.0.1:${port}`, ...options });
}

function answering(
  status: number,
  body: string,
  headers: Record<string, string> = {},
): RequestListener {
  return (request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  };
}

function mlflowError(code: string, message: string): string {
  return JSON.stringify({ error_code: code, message });
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('did not fail');
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

describe('a server that cannot answer now', () => {
  it('that is down names its URL, how to start it and how to look', async () => {
    const tracker = await serve(answering(200, '{}'));
    const [server] = servers.splice(0);
    await new Promise((resolve) => server?.close(resolve));
    const error = await failureOf(tracker.check());
    expect(error).toBeInstanceOf(TrackingUnavailable);
    expect(error.message).toBe(
      `the MLflow server at ${tracker.uri} does not answer (ECONNREFUSED): wait if it is starting; start the local one with "npx retrain stack up"; check it with "curl ${tracker.uri}/health"; or set mlflow.tracking_uri to ./mlruns to log without a server`,
    );
  });

  it.each([
    [500, mlflowError('INTERNAL_ERROR', 'boom\nTraceback'), '(500 INTERNAL_ERROR boom)'],
    [502, '<html>bad gateway</html>', '(502)'],
    [503, mlflowError('TEMPORARILY_UNAVAILABLE', 'database is locked'), 'database is locked'],
    [429, 'slow down', 'too busy'],
    [
      400,
      mlflowError('BAD_REQUEST', '(sqlite3.IntegrityError) UNIQUE constraint failed'),
      'another client wrote the same row',
    ],
  ])('that answers %i is worth another try', async (status, body, words) => {
    const tracker = await serve(answering(status, body));
    const error = await failureOf(tracker.ensureExperiment('x'));
    expect(error).toBeInstanceOf(TrackingUnavailable);
    expect(error.message).toContain(words);
    expect(error.message).toContain(tracker.uri);
    expect(error.message).not.toContain('\n');
  });

  it('that is slow is given up after the time-out', async () => {
    const tracker = await serve(() => {}, { timeoutMs: 50 });
    const error = await failureOf(tracker.check());
    expect(error).toBeInstanceOf(TrackingUnavailable);
    expect(error.message).toContain('(timed out)');
  });

  it('that stops in the middle of its answer is given up too', async () => {
    const tracker = await serve(
      (_request, response) => {
        response.writeHead(200).write('{"experiments"');
      },
      { timeoutMs: 50 },
    );
    const error = await failureOf(tracker.check());
    expect(error).toBeInstanceOf(TrackingUnavailable);
    expect(error.message).toContain('(timed out)');
  });
});

describe('a dropped connection', () => {
  it('is tried once more for a question', async () => {
    let requests = 0;
    const tracker = await serve((request, response) => {
      requests += 1;
      if (requests === 1) request.socket.resetAndDestroy();
      else response.end('{"experiments": []}');
    });
    await tracker.check();
    expect(requests).toBe(2);
  });

  it('is not tried for ever', async () => {
    let requests = 0;
    const tracker = await serve((request) => {
      requests += 1;
      request.socket.resetAndDestroy();
    });
    expect(await failureOf(tracker.check())).toBeInstanceOf(TrackingUnavailable);
    expect(requests).toBe(2);
  });

  it('is left to the caller for what changes something', async () => {
    let requests = 0;
    const tracker = await serve((request) => {
      requests += 1;
      request.socket.resetAndDestroy();
    });
    const run = { experimentId: '1', name: 'x', startedAt: 0, tags: {} };
    expect(await failureOf(tracker.createRun(run))).toBeInstanceOf(TrackingUnavailable);
    expect(requests).toBe(1);
  });
});

describe('a server that says no', () => {
  it.each([
    [401, 'You are not authenticated.', {}, 'MLFLOW_TRACKING_USERNAME'],
    [
      403,
      'Invalid Host header - possible DNS rebinding attack detected',
      {},
      '--allowed-hosts "127.0.0.1:',
    ],
    [403, 'Permission denied', {}, 'check the permissions of the user'],
    [403, '', { server: 'AirTunes/775.3.1' }, 'AirPlay'],
    [404, '<html>nginx</html>', {}, 'MLflow 3 or newer'],
    [302, '', { location: 'https://sso.example/login?token=s3cret' }, 'https://sso.example/login:'],
    [
      400,
      mlflowError('INVALID_PARAMETER_VALUE', 'bad name'),
      {},
      'refused GET experiments/get-by-name (400 INVALID_PARAMETER_VALUE bad name)',
    ],
  ])('with %i is not tried again: %s', async (status, body, headers, words) => {
    const tracker = await serve(answering(status, body, headers));
    const error = await failureOf(tracker.ensureExperiment('x'));
    expect(error).toBeInstanceOf(TrackingRefused);
    expect(error.message).toContain(words);
    expect(error.message).not.toContain('s3cret');
  });

  it('by a 503 when it serves no artifacts', async () => {
    const tracker = await serve((request, response) => {
      request.resume();
      if (request.method === 'PUT')
        answering(503, 'disabled … run `mlflow server` with `--serve-artifacts`')(
          request,
          response,
        );
      else
        response.end(
          JSON.stringify({
            run: {
              info: {
                run_id: 'r',
                experiment_id: '1',
                status: 'RUNNING',
                artifact_uri: 'mlflow-artifacts:/1/r/artifacts',
              },
            },
          }),
        );
    });
    const error = await failureOf(tracker.logArtifact('r', 'a.txt', Buffer.from('a')));
    expect(error).toBeInstanceOf(TrackingRefused);
    expect(error.message).toContain('start it with --serve-artifacts');
  });

  it.each([['<html>hello</html>'], ['{"experiment": {"id": 1}}'], ['']])(
    'or answers 200 with something else: %s',
    async (body) => {
      const tracker = await serve(answering(200, body));
      const error = await failureOf(tracker.ensureExperiment('x'));
      expect(error).toBeInstanceOf(TrackingRefused);
      expect(error.message).toContain('something that MLflow does not send');
    },
  );
});

describe('an artifact root the server does not serve', () => {
  it.each([
    ['s3://key:s3cret@bucket/1/r/artifacts?token=s3cret', 's3://bucket/1/r/artifacts,'],
    ['/home/me/mlruns/1/r/artifacts', '/home/me/mlruns/1/r/artifacts,'],
    ['mlflow-artifacts://elsewhere:5000/1/r/artifacts', 'mlflow-artifacts://elsewhere:5000'],
  ])('is refused by name: %s', async (root, words) => {
    const info = { run_id: 'r', experiment_id: '1', status: 'RUNNING', artifact_uri: root };
    const tracker = await serve(answering(200, JSON.stringify({ run: { info } })));
    const error = await failureOf(tracker.logArtifact('r', 'a.txt', Buffer.from('a')));
    expect(error).toBeInstanceOf(TrackingRefused);
    expect(error.message).toContain(words);
    expect(error.message).toContain('--serve-artifacts');
    expect(error.message).not.toContain('s3cret');
  });
});

describe('a caller that gives up', () => {
  it('gets its own reason back', async () => {
    const tracker = await serve(() => {});
    const reason = new Error('cancelled by Temporal');
    const controller = new AbortController();
    const check = tracker.withSignal(controller.signal).check();
    setTimeout(() => {
      controller.abort(reason);
    }, 20);
    expect(await failureOf(check)).toBe(reason);
  });
});

describe('credentials', () => {
  async function headerFor(options: Partial<MlflowOptions>): Promise<string | undefined> {
    let header: string | undefined;
    const tracker = await serve((request, response) => {
      header = request.headers.authorization;
      request.resume();
      response.end('{}');
    }, options);
    await tracker.check();
    return header;
  }

  it('go as basic or bearer authorization', async () => {
    const auth = { username: 'me', password: 'pässword' };
    const basic = Buffer.from('me:pässword').toString('base64');
    expect(await headerFor({ auth })).toBe(`Basic ${basic}`);
    expect(await headerFor({ auth: { token: 'abc' } })).toBe('Bearer abc');
    expect(await headerFor({})).toBeUndefined();
  });

  it('in the URI are used and never shown', async () => {
    let header: string | undefined;
    const plain = await serve((request, response) => {
      header = request.headers.authorization;
      request.resume();
      response.writeHead(500).end();
    });
    const uri = plain.uri.replace('//', '//me:s3cret%21@');
    const tracker = createMlflowTracker({ uri: `${uri}/` });
    expect(tracker.uri).toBe(plain.uri);
    expect(tracker.makeRunUrl('1', 'r')).toBe(
      `${plain.uri}/#/experiments/1/runs/r?workflowType=machine_learning`,
    );
    const error = await failureOf(tracker.check());
    expect(header).toBe(`Basic ${Buffer.from('me:s3cret!').toString('base64')}`);
    expect(error.message).not.toContain('s3cret');
  });

  it.each([['http://me:s3cret@:99999'], ['ftp://me:s3cret@host'], ['./mlruns'], ['']])(
    'are not quoted from a URI that is none: %s',
    (uri) => {
      expect(() => createMlflowTracker({ uri })).toThrow(BadParams);
      expect(() => createMlflowTracker({ uri })).not.toThrow(/s3cret/);
    },
  );
});
