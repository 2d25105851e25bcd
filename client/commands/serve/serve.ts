import { once } from 'node:events';
import { type Command, InvalidArgumentError } from 'commander';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../../../config/environment.ts';
import { BadParams, SetupError } from '../../../contract/failures.ts';
import { nameBuild } from '../../../contract/versions.ts';
import { quote } from '../../../pipeline/csv/quote.ts';
import type { FollowedModel } from '../../../serving/followed-model.ts';
import type { LoadedModel } from '../../../serving/load-model.ts';
import type { LogOptions, RequestLog } from '../../../serving/request-log.ts';
import type { Store } from '../../../store/index.ts';
import { parseCount, parseNames, parseShare, withModel } from '../../arguments.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../../context.ts';
import { printJson, say } from '../../print.ts';
import { withStoreSession } from '../../session.ts';
import { DEFAULT_PORT, serveReportCommand } from './report.ts';

interface ServeFlags extends CommonFlags {
  model: string;
  host: string;
  port: number;
  checkEvery: number;
  maxBody: number;
  maxRequests: number;
  shadow?: string;
  canary?: number;
  canaryModel?: string;
  canaryKey?: string;
  logShare?: number;
  logWithout?: string[];
  logWith?: string[];
  logMost?: number;
}

const MEGABYTE = 1_000_000;

/** Megabytes of a log for one day, unless `--log-most` says otherwise. */
const LOG_MOST = 1_000;

export function serveCommand(context: CommandContext): Command {
  return withModel(pipelineCommand('serve'))
    .enablePositionalOptions()
    .option('--host <name>', 'the address to listen on; 0.0.0.0 for all', '127.0.0.1')
    .option('--port <number>', 'the port to listen on; 0 for a free one', parsePort, DEFAULT_PORT)
    .option(
      '--check-every <seconds>',
      'seconds between two checks for a newer model',
      parseCount,
      5,
    )
    .option('--max-body <MB>', 'the largest body of a request', parseCount, 16)
    .option('--max-requests <count>', 'maximum number of requests at the same time', parseCount, 64)
    .option('--shadow <name>', 'a second model that also predicts the rows, and answers no request')
    .option(
      '--canary <share>',
      'the share of keys that a second model answers, such as 5% (default: no canary)',
      parseShare,
    )
    .option('--canary-model <name>', 'the model of the canary (default: latest)')
    .option(
      '--canary-key <column>',
      'the column of the key: rows with the same key get the same model (default: all columns that the model reads)',
    )
    .option(
      '--log-share <share>',
      'the share of requests to store in the bucket, such as 1% (default: none)',
      parseShare,
    )
    .option(
      '--log-without <columns>',
      'columns to leave out of the stored requests, such as name,email (default: none)',
      parseNames,
    )
    .option(
      '--log-with <columns>',
      'columns to store although the model does not read them, such as order_id (default: none)',
      parseNames,
    )
    .option('--log-most <MB>', `the maximum to store per day (default: ${LOG_MOST})`, parseCount)
    .addHelpText(
      'after',
      examples(
        'serve --model 3 --port 8080',
        'serve --host 0.0.0.0',
        'serve --model champion --shadow latest',
        'serve --model 3 --canary 5% --canary-key customer',
        'serve --log-share 1% --log-without name,email',
        'serve report',
      ),
    )
    .action(async ({ pipeline, ...flags }: ServeFlags) => {
      refuseMixed(flags);
      await serveModel(await context.configure(pipeline), flags);
    })
    .addCommand(serveReportCommand());
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('a port is a whole number from 0 to 65535.');
}

/** @throws BadParams for flags without those that they belong to, and for a model that is compared with itself */
function refuseMixed(flags: ServeFlags): void {
  const { canary, logShare, model } = flags;
  if (canary === undefined && (flags.canaryModel ?? flags.canaryKey) !== undefined)
    throw new BadParams('there is no canary: add --canary with the share of keys that it answers');
  if (logShare === undefined && (flags.logWithout ?? flags.logWith ?? flags.logMost) !== undefined)
    throw new BadParams('no requests are stored: add --log-share with the share of requests');
  const others = {
    shadow: flags.shadow,
    canary: canary === undefined ? undefined : (flags.canaryModel ?? 'latest'),
  };
  for (const [name, other] of Object.entries(others))
    if (other === model)
      throw new BadParams(
        `the ${name} is the model itself (${model}): give another ${name === 'canary' ? '--canary-model' : '--shadow'}, or another --model`,
      );
}

/** `serve`: answers over HTTP until Ctrl-C. */
async function serveModel(config: Config, flags: ServeFlags): Promise<void> {
  const { FollowedModel: Followed } = await import('../../../serving/followed-model.ts');
  const { endServer, openServer } = await import('../../../serving/http/server.ts');
  const ended = new AbortController();
  await withStoreSession(
    config,
    async ({ store }) => {
      const { pipeline } = config;
      const model = await Followed.open(store, pipeline, flags.model);
      const openOther = (name: string) => Followed.openOptional(store, pipeline, name);
      const canary = await openCanary(flags, openOther);
      const shadow = await openShadow(flags, openOther);
      const log = await openLog(store, pipeline, flags);
      const server = openServer({
        model,
        canary,
        shadow,
        log,
        mostBytes: flags.maxBody * MEGABYTE,
        mostRequests: flags.maxRequests,
        ending: ended.signal,
        onFault: (error) => say(error.stack ?? error.message, 'error'),
      });
      const models = [model.current, canary?.model.current].filter((one) => one !== undefined);
      for (const name of log?.listUnread(models) ?? [])
        sayProblem(
          `--log-without: no model reads column ${quote(name)} now: check its name. It is left out of the log if a later model reads it`,
        );
      const url = await listen(server, flags);
      for (const signal of ['SIGINT', 'SIGTERM'] as const)
        process.once(signal, () => ended.abort());
      const { version, seq: build } = model.current;
      say(
        `${pipeline} version ${nameBuild(model.current)} answers at ${url}/invocations; Ctrl-C ends it`,
      );
      const others = { canary: canary?.model, shadow: shadow?.model };
      for (const [name, other] of Object.entries(others))
        if (other !== undefined) sayState(other, `is the ${name}`);
      if (flags.json === true) printJson({ url, pipeline, version, build });
      const follow = (one: FollowedModel<LoadedModel | undefined>, role: string) =>
        one.follow(flags.checkEvery * 1_000, ended.signal, () => sayState(one, role));
      const following = [
        follow(model, 'answers now'),
        ...Object.entries(others).flatMap(([name, other]) =>
          other === undefined ? [] : [follow(other, `is the ${name} now`)],
        ),
        ...(log === undefined ? [] : [log.follow(ended.signal, sayProblem)]),
      ];
      if (!ended.signal.aborted) await once(ended.signal, 'abort');
      await endServer(server);
      await Promise.all(following);
      await log?.finish(sayProblem);
    },
    { untilItRuns: true },
  );
  say('ended');
}

function sayProblem(sentence: string): void {
  say(sentence, 'warning');
}

function sayState(model: FollowedModel<LoadedModel | undefined>, role: string): void {
  const { current, problem } = model;
  if (problem !== undefined) sayProblem(problem);
  else if (current !== undefined) say(`version ${nameBuild(current)} ${role}`);
}

type OpenOther = (name: string) => Promise<FollowedModel<LoadedModel | undefined>>;

async function openCanary({ canary, canaryModel, canaryKey }: ServeFlags, open: OpenOther) {
  if (canary === undefined) return undefined;
  const { Canary } = await import('../../../serving/canary.ts');
  const model = await open(canaryModel ?? 'latest');
  return new Canary({ model, share: canary, key: canaryKey });
}

async function openShadow({ shadow }: ServeFlags, open: OpenOther) {
  if (shadow === undefined) return undefined;
  const { Shadow } = await import('../../../serving/shadow.ts');
  return new Shadow(await open(shadow));
}

async function openLog(
  { bucket }: Store,
  pipeline: string,
  flags: ServeFlags,
): Promise<RequestLog | undefined> {
  const { logShare, logWithout = [], logWith = [], logMost = LOG_MOST } = flags;
  if (logShare === undefined) return undefined;
  const options: LogOptions = {
    share: logShare,
    without: logWithout,
    with: logWith,
    mostBytes: logMost * MEGABYTE,
  };
  const { RequestLog: Log } = await import('../../../serving/request-log.ts');
  return new Log(bucket, pipeline, options);
}

/** @throws SetupError when the port is in use, or the address is not one of this machine */
async function listen(server: FastifyInstance, { host, port }: ServeFlags): Promise<string> {
  try {
    return await server.listen({ host, port });
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    const reason =
      code === 'EADDRINUSE'
        ? 'another program listens there: choose another --port'
        : `${code}: choose another --host or --port`;
    throw new SetupError(`${host}, port ${port}, cannot be used (${reason})`, { cause });
  }
}
