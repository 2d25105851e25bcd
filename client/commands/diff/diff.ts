import { type Command, InvalidArgumentError } from 'commander';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../../context.ts';
import { print, printJson } from '../../print.ts';
import { withStoreSession, type StoreSession } from '../../session.ts';
import type { Config } from '../../../config/environment.ts';
import type { VersionRecord } from '../../../store/version-record.ts';

export function diffCommand(context: CommandContext): Command {
  return makeComparison(context, {
    compare: diff,
    examples: ['diff 1 2', 'diff 2.1 2.2 --json'],
  });
}

/** A command that compares two builds. */
export function makeComparison(
  context: CommandContext,
  of: {
    description?: string;
    compare: (config: Config, request: DiffRequest) => Promise<number>;
    examples: string[];
  },
): Command {
  return pipelineCommand('diff', of.description)
    .argument('<A>', 'a version; 3.1 is the first build of version 3, 3 its latest', parseBuild)
    .argument('<B>', 'another', parseBuild)
    .addHelpText('after', examples(...of.examples))
    .action(async (old: BuildName, now: BuildName, { pipeline, json }: CommonFlags) => {
      const config = await context.configure(pipeline);
      const asked = { pipeline: config.pipeline, old, new: now, json };
      process.exitCode = await of.compare(config, asked);
    });
}

export interface DiffRequest {
  pipeline: string;
  old: BuildName;
  new: BuildName;
  json?: boolean | undefined;
}

/** `diff A B`: what differs between two versions, or between two builds of one version. */
async function diff(config: Config, request: DiffRequest): Promise<number> {
  const { compareBuilds } = await import('./document.ts');
  const { formatDiff } = await import('./print.ts');
  return withBuilds(config, request, async ({ store }, old, now) => {
    const document = await compareBuilds(store, old, now);
    if (request.json === true) printJson(document);
    else print(formatDiff(document));
  });
}

/**
 * Finds the two builds and passes them to `show`.
 * @throws MissingHistory when one of them has not been built
 */
export async function withBuilds(
  config: Config,
  request: DiffRequest,
  show: (session: StoreSession, old: VersionRecord, now: VersionRecord) => Promise<void>,
): Promise<number> {
  return withStoreSession(config, async (session) => {
    const { records } = session.store;
    const [old, now] = await Promise.all(
      [request.old, request.new].map(({ version, build: seq }) =>
        records.readBuild({ pipeline: request.pipeline, version, seq }),
      ),
    );
    await show(session, old!, now!);
    return 0;
  });
}

/** A build as a person names it: `3` is the latest build of version 3, `3.1` its first. */
export interface BuildName {
  version: number;
  /** Undefined: the latest. */
  build: number | undefined;
  /** As it was typed. */
  text: string;
}

export function parseBuild(text: string): BuildName {
  const [, version, build] = /^(\d{1,6})(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  if (version === undefined || Number(version) < 1 || (build !== undefined && Number(build) < 1))
    throw new InvalidArgumentError('a version is a whole number from 1; 3.1 is its first build.');
  return {
    version: Number(version),
    build: build === undefined ? undefined : Number(build),
    text,
  };
}
