import type { Config } from '../config/environment.ts';
import { MissingHistory } from '../contract/failures.ts';
import { collectGarbage, sortLeases } from '../store/gc/collect.ts';
import type { Keep } from '../store/gc/keep.ts';
import { planGc, type GcPlan } from '../store/gc/plan.ts';
import type { Store } from '../store/index.ts';
import type { Lease } from '../store/leases.ts';
import { VersionSet } from '../store/version-set.ts';
import { bytes, table } from './display.ts';
import { isRunAtWork } from './gc/live.ts';
import { openMeter } from './meter.ts';
import { printJson, say } from './print.ts';
import { openSession } from './session.ts';

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
    process.stdout.write(`${table(['what', 'count', 'size'], rows)}\n`);
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
