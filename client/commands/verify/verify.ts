import type { Command } from 'commander';
import { parseVersion } from '../../arguments.ts';
import {
  examples,
  pipelineCommand,
  type CommandContext,
  type CommonFlags,
  EXIT,
} from '../../context.ts';
import { formatBytes, formatDuration, formatTable } from '../../format.ts';
import { print, printJson, say } from '../../print.ts';
import { openSession, openStoreSession } from '../../session.ts';
import type { Config } from '../../../config/environment.ts';
import { BadParams } from '../../../contract/failures.ts';
import { VersionSet } from '../../../store/version-set.ts';
import type { Left, Problem } from './problems.ts';
import type { Repaired } from './repair.ts';
import type { Verified } from './versions.ts';
import { quoteVerifyAll, RETRAIN } from '../../../contract/command.ts';

interface VerifyFlags extends CommonFlags {
  all?: boolean;
  repair?: boolean;
}

export function verifyCommand(context: CommandContext): Command {
  return pipelineCommand(
    'verify',
    'read all objects of a version, and report which are missing or damaged',
  )
    .argument('[N]', 'the version, from 1; without it, --all is required', parseVersion)
    .option('--all', 'check every version of the pipeline, and read each object once')
    .option(
      '--repair',
      'make missing and damaged objects again, from what is still stored or at the source',
    )
    .addHelpText('after', examples('verify 2', 'verify --all --json', 'verify --all --repair'))
    .action(async (version: number | undefined, flags: VerifyFlags) => {
      const { pipeline, json, all, repair } = flags;
      if ((version === undefined) === (all !== true))
        throw new BadParams(`verify needs a version or --all: for one, "${RETRAIN} verify 1"`);
      const config = await context.configure(pipeline);
      const asked = { pipeline: config.pipeline, version, json, repair };
      process.exitCode = await verify(config, asked);
    });
}

interface VerifyOptions {
  pipeline: string;
  /** The version to verify; undefined for all of them. */
  version: number | undefined;
  json?: boolean | undefined;
  /** Make missing and damaged objects again, by runs of the versions that need them. */
  repair?: boolean | undefined;
}

/** `verify`: reads all objects of the versions, and reports which are missing or damaged. */
async function verify(config: Config, options: VerifyOptions): Promise<number> {
  const { findUnrepairable, repairVersions } = await import('./repair.ts');
  const { verifyVersions } = await import('./versions.ts');
  const servers =
    options.repair === true
      ? await openSession(config, { check: ['temporal', 'storage', 'tracking'] })
      : undefined;
  const session = servers ?? (await openStoreSession(config));
  try {
    const found = await verifyVersions(session.store, options);
    const repaired = servers && (await repairVersions(servers, options, found));
    const verified = repaired?.verified ?? found;
    if (options.json === true) printJson(makeDocument(verified, repaired));
    else {
      const { store } = session;
      const left =
        repaired?.left ?? (await findUnrepairable(store, options.pipeline, found.problems));
      printVerified(verified, left, repaired);
    }
    return verified.problems.length === 0 ? 0 : EXIT.failed;
  } finally {
    await session.close();
  }
}

/** Prints what was repaired, and which objects are missing or damaged, with the versions that need them. */
export function printVerified(
  verified: Verified,
  unrepairable: readonly Left[],
  repaired?: Repaired,
): void {
  const { pipeline, versions, notKept, unhashed, problems, ...read } = verified;
  if (repaired !== undefined) printRepaired(repaired);
  if (notKept.length > 0)
    say(
      `version ${String(VersionSet.of(notKept))} was not kept by gc: "${RETRAIN} run N --pipeline ${pipeline}" builds version N again`,
    );
  if (unhashed.length > 0)
    say(
      `the SHA-256 of the record is not stored for version ${String(VersionSet.of(unhashed))}, which an earlier program published, so verify could miss a change of the record: add it with ${quoteVerifyAll(' --repair', pipeline)}`,
      'warning',
    );
  const kept = versions.filter((version) => !notKept.includes(version));
  if (kept.length === 0 && problems.length === 0) return;
  const named = kept.length === 0 ? versions : kept; // gc can have kept the champion alone of a version
  const of = named.length === 1 ? `version ${named[0]}` : `${named.length} versions`;
  const speed = `${formatBytes(Math.round((read.bytes / Math.max(read.durationMs, 1)) * 1_000))}/s`;
  say(
    `read ${read.objects} objects, ${formatBytes(read.bytes)}, in ${formatDuration(read.durationMs)} (${speed})`,
  );
  if (problems.length === 0) {
    print(`${of} of ${pipeline}: all objects are stored and undamaged`);
    return;
  }
  const rows = problems.map(({ state, path, versions: rest, key, why }) => [
    state,
    path,
    String(rest),
    key,
    why,
  ]);
  print(formatTable(['state', 'what', 'versions', KEY, 'why'], rows));
  for (const { path, why } of unrepairable) say(`${path} cannot be repaired by a run: ${why}`);
  const canRepair = repaired === undefined && unrepairable.length < problems.length;
  say(
    `${of} of ${pipeline}: ${problems.length} missing or damaged; ${canRepair ? `${quoteVerifyAll(' --repair', pipeline)} makes again what it can; ` : ''}restore a document from a backup`,
    'error',
  );
}

/** The object of an artifact. On a narrow terminal, the name of the artifact matters more. */
const KEY = { name: 'key', leaveOut: 1 };

function printRepaired({ repaired, notRepaired, changed }: Repaired): void {
  if (repaired.length > 0) {
    const rows = repaired.map(({ path, versions, key }) => [
      'repaired',
      path,
      String(versions),
      key,
    ]);
    print(formatTable(['state', 'what', 'versions', KEY], rows));
  }
  for (const version of changed)
    say(
      `version ${version} has other bytes now: the program, or a library, has changed since it was built`,
      'warning',
    );
  for (const [version, why] of notRepaired) say(`version ${version} could not be repaired: ${why}`);
}

/** What `--json` prints. */
function makeDocument(verified: Verified, repaired?: Repaired): unknown {
  const document = { ...verified, problems: verified.problems.map(toListed) };
  if (repaired === undefined) return document;
  const { runs, notRepaired, left, changed } = repaired;
  const failures = [...notRepaired].map(([version, why]) => ({ version, why }));
  const done = repaired.repaired.map(toListed);
  return { ...document, repair: { repaired: done, notRepaired: failures, left, changed, runs } };
}

function toListed(problem: Problem): Omit<Problem, 'versions'> & { versions: number[] } {
  return { ...problem, versions: [...problem.versions] };
}
