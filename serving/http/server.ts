import { randomUUID } from 'node:crypto';
import { Server } from 'node:net';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import packageFile from '../../package.json' with { type: 'json' };
import { RetrainError } from '../../contract/failures.ts';
import { nameBuild } from '../../contract/versions.ts';
import type { LoadedModel } from '../load-model.ts';
import { type Answer, answerRequest } from './answer.ts';
import { openRequest } from './frame.ts';
import { openMetrics, type Serving } from './metrics.ts';
import { describeApi } from './openapi.ts';
import { describeHealth, describeReport } from './report.ts';

export interface ServerOptions extends Serving {
  /** Bytes of the largest body. */
  readonly mostBytes: number;
  /** Requests for predictions that are received or answered at a time. */
  readonly mostRequests: number;
  /** Once it is aborted, each answer closes its connection, so that no client sends another request on it. */
  readonly ending: AbortSignal;
  /** Is called with an error that is a fault of this program. */
  readonly onFault: (error: Error) => void;
}

/** Milliseconds in which a request must arrive whole. */
const ARRIVAL_MS = 60_000;

/** An answer other than the predictions. */
class Refusal extends Error {
  readonly status: number;
  readonly errorCode: string;

  constructor(status: number, errorCode: string, message: string) {
    super(message);
    this.status = status;
    this.errorCode = errorCode;
  }
}

/**
 * Makes a server that speaks MLflow's scoring protocol. It does not listen yet.
 * https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#inference-server-specification
 */
export function openServer(options: ServerOptions): FastifyInstance {
  const { model, canary, shadow, log, mostBytes, mostRequests, ending, onFault } = options;
  const server = fastify({ bodyLimit: mostBytes, requestTimeout: ARRIVAL_MS });
  let running = 0;
  const metrics = openMetrics(options, () => running);

  server.addHook('onSend', async (_, reply) => {
    if (ending.aborted) void reply.header('connection', 'close');
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    ['application/json', 'text/csv'],
    { parseAs: 'buffer' },
    (request, body, done) => {
      const { 'content-type': type, 'content-encoding': encoding = 'identity' } = request.headers;
      const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([\w-]+)/i.exec(type ?? '') ?? [];
      if (charset.toLowerCase() !== 'utf-8')
        done(unsupported(`the charset ${charset} is not supported: send the body in UTF-8`));
      else if (encoding !== 'identity')
        done(unsupported(`the body is encoded (${encoding}): send it as it is`));
      else done(null, body);
    },
  );

  server.post(
    '/invocations',
    {
      onRequest: async (_, reply) => {
        const begun = performance.now();
        reply.raw.once('finish', () => {
          metrics.requests.inc({ status: reply.statusCode });
          metrics.seconds.observe((performance.now() - begun) / 1_000);
        });
        if (running >= mostRequests) {
          void reply.header('retry-after', 1);
          throw new Refusal(
            503,
            'TEMPORARILY_UNAVAILABLE',
            `${mostRequests} requests are being answered, which is the most: try again in a second`,
          );
        }
        running++;
        reply.raw.once('close', () => running--);
      },
    },
    async (request, reply) => {
      const { current } = model;
      const body = request.body as Buffer | undefined;
      if (body === undefined || body.length === 0)
        throw new Refusal(400, BAD_REQUEST, 'the body is empty: send rows as JSON or CSV');
      const scoring = openRequest(body, request.headers['content-type'] ?? '');
      const id = log && readRequestId(request.headers['x-request-id']);
      const logged = id === undefined ? undefined : log?.sample(id);
      const answer = await answerRequest(scoring, current, { canary, logged });
      const byCanary = answer.canary?.rows ?? 0;
      metrics.rows.inc({ role: 'model' }, answer.texts.length - byCanary);
      if (byCanary > 0) metrics.rows.inc({ role: 'canary' }, byCanary);
      shadow?.watch({
        blocks: scoring.blocks,
        bytes: body.length,
        model: current,
        predictions: answer.predictions,
      });
      if (id !== undefined) void reply.header('x-request-id', id);
      const { versions, text } = formatAnswer(answer, current);
      return reply.type('application/json').header('x-model-version', versions).send(text);
    },
  );

  // MLflow's server answers a line end of type JSON, and its clients look at the status only.
  server.get('/ping', async (_, reply) => reply.type('application/json').send('\n'));
  server.get('/version', async (_, reply) => reply.type('text/plain').send(packageFile.version));
  server.get('/health', async () => describeHealth(options));
  server.get('/report', async () => describeReport(options, metrics));
  server.get('/openapi.json', async () => describeApi(model.current.predictor));
  server.get('/metrics', async (_, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );

  server.setNotFoundHandler(({ method, url }) => {
    throw new Refusal(
      404,
      'ENDPOINT_NOT_FOUND',
      `there is no ${method} ${url.split('?')[0]}: POST /invocations predicts, and GET /openapi.json describes all`,
    );
  });
  server.setErrorHandler((error: FastifyError | Error, _, reply) => {
    const { status, errorCode, message } = refusalOf(error, mostBytes);
    if (status === 500) onFault(error);
    return reply.status(status).send({ error_code: errorCode, message });
  });
  return server;
}

/** How long connections without a request may still bring one after the end has begun. */
const LINGER_MS = 500;

/** How long the requests that are being answered may then take. */
const GRACE_MS = 10_000;

/**
 * Ends a server whose signal `ending` is aborted: refuses new connections, and answers the requests that come on
 * those that are open. Fastify closes them at once if they are idle, when a client may have just sent a request.
 */
export async function endServer(server: FastifyInstance): Promise<void> {
  const { server: http } = server;
  const idle = setTimeout(() => http.closeIdleConnections(), LINGER_MS);
  const late = setTimeout(() => http.closeAllConnections(), GRACE_MS);
  await new Promise<void>((resolve) => {
    Server.prototype.close.call(http, () => resolve());
  });
  clearTimeout(idle);
  clearTimeout(late);
  await server.close();
}

function unsupported(message: string): Refusal {
  return new Refusal(415, BAD_REQUEST, message);
}

const BAD_REQUEST = 'BAD_REQUEST';

function refusalOf(error: FastifyError | Error, mostBytes: number): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof RetrainError) return new Refusal(400, BAD_REQUEST, error.message);
  const { code, statusCode = 500 } = error as Partial<FastifyError>;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new Refusal(
      413,
      BAD_REQUEST,
      `the body is larger than ${mostBytes} bytes: send fewer rows at a time`,
    );
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' || code === 'FST_ERR_CTP_EMPTY_TYPE')
    return unsupported('the content type is not supported: send application/json or text/csv');
  if (statusCode >= 400 && statusCode < 500)
    return new Refusal(statusCode, BAD_REQUEST, error.message);
  return new Refusal(500, 'INTERNAL_ERROR', 'unexpected, and a fault in this program: see its log');
}

/** The ID of a request in the log: the client's, if it can be a header of the answer, or a new one. */
function readRequestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\x21-\x7e]{1,128}$/.test(given) ? given : randomUUID();
}

/** @returns the body, and the versions that have answered for the header */
function formatAnswer(
  { texts, predictions, canary }: Answer,
  model: LoadedModel,
): { versions: string; text: string } {
  const [own, other] = [model, canary?.model].map((one) => one && nameBuild(one));
  const list = texts.join(',');
  if (other === undefined || canary!.rows === texts.length)
    return { versions: other ?? own!, text: `{"predictions":[${list}]}` };
  const by = predictions.map((label) => (label === undefined ? `"${other}"` : `"${own!}"`));
  return {
    versions: `${own!}, ${other}`,
    text: `{"predictions":[${list}],"model_versions":[${by.join(',')}]}`,
  };
}
