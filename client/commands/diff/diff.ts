import { type Command, InvalidArgumentError } from 'commander';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../../context.ts';
import { readBuildNumbers } from '../../arguments.ts';
import { print, printJson } from '../../print.ts';
import { withStoreSession, type StoreSession } from '../../session.ts';
import type { Config } from '../../../config/environment.ts';
import type { VersionRecord } from '../../../store/version-record.ts';

export function diffCommand(context: CommandContext): Command {
  return makeComparison(context, {
    compare: diff,
    examples: ['diff 1 2', 'diff 2.1 2.2 --json', 'diff champion 5'],
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
    .argument(
      '<A>',
      'a version, or champion; 3 is the published build of version 3, 3.1 its first build',
      parseBuildName,
    )
    .argument('<B>', 'another', parseBuildName)
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
    const [old, now] = await Promise.all(
      [request.old, request.new].map((name) => readNamed(session, request.pipeline, name)),
    );
    await show(session, old!, now!);
    return 0;
  });
}

/** A build as a person names it: `champion`, `3` for the latest build of version 3, `3.1` for its first. */
export interface BuildName {
  version: number | 'champion';
  /** Undefined: the latest. */
  seq: number | undefined;
  /** As it was typed. */
  text: string;
}

export function parseBuildName(text: string): BuildName {
  if (text === 'champion') return { version: text, seq: undefined, text };
  const build = readBuildNumbers(text);
  if (build === undefined)
    throw new InvalidArgumentError(
      'a version is a whole number from 1, or champion; 3.1 is the first build of version 3.',
    );
  return { seq: undefined, ...build, text };
}

/**
 * Reads the record of a build that a person has named.
 * @throws MissingHistory when there is no such build, or no champion
 */
export async function readNamed(
  { store: { champions, records } }: Pick<StoreSession, 'store'>,
  pipeline: string,
  { version, seq }: BuildName,
): Promise<VersionRecord> {
  const build = version === 'champion' ? await champions.readChampion(pipeline) : { version, seq };
  return records.readBuild({ pipeline, ...build });
}
