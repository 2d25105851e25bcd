import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { type Command, InvalidArgumentError } from 'commander';
import { batchArgument } from '../arguments.ts';
import { bytes, table } from '../format.ts';
import { openMeter } from '../meter.ts';
import { print, printJson, say } from '../print.ts';
import { openSession } from '../session.ts';
import type { Config } from '../../config/environment.ts';
import { MissingHistory } from '../../contract/failures.ts';
import { isOpen } from '../../contract/workflow-status.ts';
import { collectGarbage, sortLeases } from '../../store/gc/collect.ts';
import type { Keep } from '../../store/gc/keep.ts';
import { type GcPlan, planGc } from '../../store/gc/plan.ts';
import type { Store } from '../../store/index.ts';
import type { Lease } from '../../store/leases.ts';
import { VersionSet } from '../../store/version-set.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from './context.ts';

interface GcFlags extends CommonFlags {
  keepLast?: number;
  keep: number[];
  yes?: boolean;
  apply?: boolean;
}

export function gcCommand(context: CommandContext): Command {
  return pipelineCommand('gc', 'remove what no version, batch or run of any pipeline leads to')
    .option(
      '--keep-last <K>',
      'give up the artifacts of all versions but the last K',
      countArgument,
    )
    .option(
      '--keep <N>',
      'a version whose artifacts to keep too (repeatable)',
      (text: string, sofar: number[]) => [...sofar, batchArgument(text)],
      [],
    )
    .option('--yes', 'do it; without this, only say what would be removed')
    .option('--apply', 'the same as --yes')
    .addHelpText('after', examples('gc', 'gc --yes', 'gc --keep-last 5 --keep 1 --yes'))
    .action(async ({ pipeline, json, keepLast: last, keep, yes, apply }: GcFlags) => {
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

function countArgument(text: string): number {
  const count = Number(text);
  if (/^[0-9]+$/.test(text) && count >= 1) return count;
  throw new InvalidArgumentError('how many versions to keep is a whole number from 1.');
}

export interface GcOptions extends Keep {
  /** Remove it; otherwise only say what would be. */
  yes?: boolean | undefined;
  json?: boolean | undefined;
}

/** `gc`: removes what nothing leads to any more, or says what it would remove. */
export async function gc(config: Config, options: GcOptions): Promise<number> {
  const session = await openSession(config, { check: ['storage', 'temporal'] });
  const isLive = (lease: Lease): Promise<boolean> => isRunAtWork(session.client, lease);
  const { store } = session;
  try {
    await checkKept(store, options);
    const removed = options.yes === true;
    const meter = openMeter('removing');
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
    if (options.json === true) printJson(documentOf(plan, { removed, runs }));
    else tell(plan, { removed, runs });
    return 0;
  } finally {
    await session.close();
  }
}

/** A version that is not there is a slip of the keyboard, and what it was to save would go. */
async function checkKept({ records }: Store, { pipeline, versions }: Keep): Promise<void> {
  if (versions.length === 0) return;
  const known = new Set((await records.list(pipeline)).map(({ version }) => version));
  const unknown = versions.find((version) => !known.has(version));
  if (unknown !== undefined)
    throw new MissingHistory(
      `version ${unknown} of ${pipeline}, which --keep names, has not been built: "list" shows the versions there are`,
    );
}

interface Told {
  removed: boolean;
  runs: string[];
}

function documentOf({ give_up, remove, foreign, kept }: GcPlan, { removed, runs }: Told) {
  const kinds = countByKind(remove).map(([kind, count, size]) => ({ kind, count, bytes: size }));
  return { removed, kinds, bytes: sizeOf(remove), given_up: give_up, kept, foreign, runs };
}

function tell(plan: GcPlan, { removed, runs }: Told): void {
  const { give_up, remove, foreign, kept } = plan;
  if (remove.length > 0) {
    const rows = countByKind(remove).map(([kind, count, size]) => [kind, count, bytes(size)]);
    print(table(['what', 'count', 'size'], rows));
  }
  if (give_up.length > 0) {
    const versions = new VersionSet();
    for (const { version } of give_up) versions.add(version);
    say(`version ${String(versions)}: artifacts not kept; the records stay`);
  }
  const others = foreign > 0 ? `, ${foreign} that others wrote are left alone` : '';
  const verb = removed ? 'removed' : 'would be removed';
  say(`${remove.length} objects, ${bytes(sizeOf(remove))}, ${verb}; ${kept} are kept${others}`);
  if (!removed && remove.length + give_up.length > 0)
    say('nothing was removed: add --yes to do it');
  const atWork = [...new Set(runs)]; // a run has a lease for each worker
  if (atWork.length > 0)
    say(
      `${atWork.join(', ')} at work: gc --yes removes nothing until ${atWork.length === 1 ? 'it has' : 'they have'} ended`,
      'warning',
    );
}

function sizeOf(remove: GcPlan['remove']): number {
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

/** What is left of a run that was ended from outside learns of it with its next heartbeat. */
const ECHO_MS = 120_000;

/**
 * Whether a lease's run may still be at work: Temporal says whether its workflow is open. Where it
 * cannot say (another namespace or server, a history no longer kept), the lease's own term counts.
 */
export async function isRunAtWork(client: Client, lease: Lease): Promise<boolean> {
  const { run, expires_at: end } = lease;
  const inTerm = Date.parse(end) > Date.now();
  if (run === null || run.namespace !== client.options.namespace) return inTerm;
  const handle = client.workflow.getHandle(run.workflow_id, run.run_id);
  try {
    const { status, closeTime } = await handle.describe();
    if (isOpen(status)) return true;
    // Its activities had all ended: it waited for them.
    if (status.name === 'COMPLETED' || status.name === 'FAILED') return false;
    return (closeTime?.getTime() ?? 0) > Date.now() - ECHO_MS;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return inTerm;
    throw error;
  }
}
