import { once } from 'node:events';
import { type Command, InvalidArgumentError } from 'commander';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../../config/environment.ts';
import { SetupError } from '../../contract/failures.ts';
import { parseCount } from '../arguments.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../context.ts';
import { printJson, say } from '../print.ts';
import { withStoreSession } from '../session.ts';

interface ServeFlags extends CommonFlags {
  model: string;
  host: string;
  port: number;
  checkEvery: number;
  maxBody: number;
  maxRequests: number;
}

const MEGABYTE = 1_000_000;

export function serveCommand(context: CommandContext): Command {
  return pipelineCommand('serve')
    .option('--model <name>', 'latest, a version (3), or a build of one (3.1)', 'latest')
    .option('--host <name>', 'the address to listen on; 0.0.0.0 for all', '127.0.0.1')
    .option('--port <number>', 'the port to listen on; 0 for a free one', parsePort, 5001)
    .option('--check-every <seconds>', 'how often a newer model is looked for', parseCount, 5)
    .option('--max-body <MB>', 'the largest body of a request', parseCount, 16)
    .option('--max-requests <count>', 'requests that are answered at a time', parseCount, 64)
    .addHelpText('after', examples('serve', 'serve --model 3 --port 8080', 'serve --host 0.0.0.0'))
    .action(async ({ pipeline, ...flags }: ServeFlags) => {
      await serveModel(await context.configure(pipeline), flags);
    });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('a port is a whole number from 0 to 65535.');
}

/** `serve`: answers over HTTP until Ctrl-C. */
async function serveModel(config: Config, flags: ServeFlags): Promise<void> {
  const { FollowedModel } = await import('../../serving/followed-model.ts');
  const { endServer, openServer } = await import('../../serving/http/server.ts');
  const ended = new AbortController();
  await withStoreSession(config, async ({ store }) => {
    const model = await FollowedModel.open(store, config.pipeline, flags.model);
    const server = openServer({
      model,
      mostBytes: flags.maxBody * MEGABYTE,
      mostRequests: flags.maxRequests,
      ending: ended.signal,
      onFault: (error) => say(error.stack ?? error.message, 'error'),
    });
    const url = await listen(server, flags);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
    const { pipeline, version, build } = model.current;
    say(`${pipeline} version ${version}.${build} answers at ${url}/invocations; Ctrl-C ends it`);
    if (flags.json === true) printJson({ url, pipeline, version, build });
    const following = model.follow(flags.checkEvery * 1_000, ended.signal, () => {
      const { current, problem } = model;
      if (problem === undefined) say(`version ${current.version}.${current.build} answers now`);
      else say(problem, 'warning');
    });
    if (!ended.signal.aborted) await once(ended.signal, 'abort');
    await endServer(server);
    await following;
  });
  say('ended');
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
