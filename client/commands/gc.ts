import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { parseVersion, parseCount } from '../arguments.ts';
import { formatBytes, formatTable } from '../format.ts';
import { openMeter } from '../meter.ts';
import { print, printJson, say } from '../print.ts';
import { withSession } from '../session.ts';
import type { Config } from '../../config/environment.ts';
import { MissingHistory } from '../../contract/failures.ts';
import { isOpen } from '../../contract/execution.ts';
import type { Keep } from '../../store/gc/roots.ts';
import type { GcPlan } from '../../store/gc/plan.ts';
import type { Store } from '../../store/index.ts';
import type { Lease } from '../../store/leases.ts';
import { VersionSet } from '../../store/version-set.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../context.ts';
import { RETRAIN } from '../../contract/command.ts';

interface GcFlags extends CommonFlags {
  keepLast?: number;
  keep?: number[];
  yes?: boolean;
  apply?: boolean;
}

export function gcCommand(context: CommandContext): Command {
  return pipelineCommand(
    'gc',
    '',
    'the pipeline to which --keep-last and --keep apply (default: the one of params.yaml)',
  )
    .option(
      '--keep-last <K>',
      'remove the artifacts of all versions except the last K and the champion; raw data, batches and records stay',
      parseCount,
    )
    .option(
      '--keep <N>',
      'remove the artifacts of all versions except N and the champion (and those of --keep-last, if it is given); repeatable',
      (text: string, before: number[] | undefined) => [...(before ?? []), parseVersion(text)],
    )
    .option('--yes', 'remove them; without this, only list them')
    .option('--apply', 'the same as --yes')
    .addHelpText('after', examples('gc', 'gc --yes', 'gc --keep-last 5 --keep 1 --yes'))
    .action(async ({ pipeline, json, keepLast: last, keep = [], yes, apply }: GcFlags) => {
      const config = await context.configure(pipeline);
      process.exitCode = await gc(config, {
        pipeline: config.pipeline,
        last,
        versions: keep,
        yes: yes === true || apply === true,
        json,
      });
    });
}

export interface GcOptions extends Keep {
  /** Remove the objects; otherwise only list them. */
  yes?: boolean | undefined;
  json?: boolean | undefined;
}

/** `gc`: removes the objects that nothing needs, or lists them. */
export async function gc(config: Config, options: GcOptions): Promise<number> {
  const { collectGarbage, sortLeases } = await import('../../store/gc/collect.ts');
  const { planGc } = await import('../../store/gc/plan.ts');
  return withSession(config, ['storage', 'temporal'], async (session) => {
    const isLive = (lease: Lease): Promise<boolean> => isRunActive(session.client, lease);
    const { store } = session;
    await checkKept(store, options);
    const removed = options.yes === true;
    const meter = openMeter(removed ? 'removing' : 'looking for objects that nothing needs');
    let plan: GcPlan;
    try {
      plan = removed
        ? await collectGarbage(store, options, { isLive, onRemoved: meter.add })
        : await planGc(store, options, new Date());
    } finally {
      meter.stop();
    }
    const running = removed ? [] : (await sortLeases(store, isLive)).live;
    const runs = running.map(({ run }) => run!.workflow_id);
    if (options.json === true) printJson(makeDocument(plan, { removed, runs }));
    else printPlan(plan, { removed, runs }, options);
    return 0;
  });
}

/** Refuses a version that does not exist: it is a typing error, and the intended version would lose its artifacts. */
async function checkKept({ records }: Store, { pipeline, versions }: Keep): Promise<void> {
  if (versions.length === 0) return;
  const known = new Set((await records.list(pipeline)).map(({ version }) => version));
  const unknown = versions.find((version) => !known.has(version));
  if (unknown !== undefined)
    throw new MissingHistory(
      `version ${unknown} of ${pipeline}, which --keep names, has not been built: "${RETRAIN} list --pipeline ${pipeline}" shows the versions there are`,
    );
}

interface Outcome {
  removed: boolean;
  runs: string[];
}

function makeDocument({ give_up, remove, foreign, kept }: GcPlan, { removed, runs }: Outcome) {
  const kinds = countByKind(remove).map(([kind, count, size]) => ({ kind, count, bytes: size }));
  return { removed, kinds, bytes: sumSizes(remove), givenUp: give_up, kept, foreign, runs };
}

function printPlan(plan: GcPlan, { removed, runs }: Outcome, keep: Keep): void {
  const { give_up, remove, foreign, kept } = plan;
  if (remove.length > 0) {
    const rows = countByKind(remove).map(([kind, count, size]) => [kind, count, formatBytes(size)]);
    print(formatTable(['what', 'count', 'size'], rows));
  }
  if (give_up.length > 0) {
    const versions = new VersionSet();
    for (const { version } of give_up) versions.add(version);
    say(
      `${give_up.length === 1 ? 'version' : 'versions'} ${String(versions)} of ${keep.pipeline}: artifacts not kept; the records stay`,
    );
  }
  if (keep.last !== undefined || keep.versions.length > 0)
    say(
      `--keep-last and --keep choose among the versions of ${keep.pipeline}: other pipelines keep theirs`,
    );
  const others = foreign > 0 ? `, ${foreign} that others wrote are left alone` : '';
  const verb = removed ? 'removed' : 'would be removed';
  say(
    `${remove.length} objects that no pipeline needs, ${formatBytes(sumSizes(remove))}, ${verb}; ${kept} are kept${others}`,
  );
  if (!removed && remove.length + give_up.length > 0)
    say('nothing was removed: add --yes to do it');
  const active = [...new Set(runs)]; // a run has one lease per worker
  if (active.length > 0)
    say(
      `${active.join(', ')} ${active.length === 1 ? 'is' : 'are'} running: gc --yes removes nothing until ${active.length === 1 ? 'it has' : 'they have'} ended`,
      'warning',
    );
}

function sumSizes(remove: GcPlan['remove']): number {
  return remove.reduce((sum, { size }) => sum + size, 0);
}

function countByKind(remove: GcPlan['remove']): [kind: string, count: number, bytes: number][] {
  const kinds = new Map<string, [string, number, number]>();
  for (const { kind, size } of remove) {
    const [, count, sum] = kinds.get(kind) ?? [kind, 0, 0];
    kinds.set(kind, [kind, count + 1, sum + size]);
  }
  return [...kinds.values()].sort((a, b) => b[2] - a[2]);
}

/** The activities of a terminated run may go on for this time: they notice the end with a later heartbeat. */
const NOTICE_MS = 120_000;

/**
 * Whether the run that holds a lease may still be active: Temporal knows whether its workflow is open. Where
 * Temporal cannot know (another namespace or server, a history that is gone), the term of the lease counts.
 */
export async function isRunActive(client: Client, lease: Lease): Promise<boolean> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  const { run, expires_at: end } = lease;
  const inTerm = Date.parse(end) > Date.now();
  if (run === null || run.namespace !== client.options.namespace) return inTerm;
  const handle = client.workflow.getHandle(run.workflow_id, run.run_id);
  try {
    const { status, closeTime } = await handle.describe();
    if (isOpen(status)) return true;
    // A workflow with one of these states has waited for all its activities.
    if (status.name === 'COMPLETED' || status.name === 'FAILED') return false;
    return (closeTime?.getTime() ?? 0) > Date.now() - NOTICE_MS;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return inTerm;
    throw error;
  }
}
