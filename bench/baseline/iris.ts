import { formatTable } from '../../client/format.ts';
import { spreadOf, type Spread } from '../measure.ts';
import { runOurs } from './ours.ts';
import { openScripts } from './scripts.ts';
import type { Sides } from './sides.ts';

/** Milliseconds of each side, by batch. */
export type IrisCosts = Record<string, Record<'scripts' | 'command' | 'startToClose', Spread>>;

/** Runs the three Iris batches `rounds` times. In each round both sides start from nothing. */
export async function irisBatches(
  { project, store, timed, say }: Sides,
  source: string,
  rounds: number,
): Promise<IrisCosts> {
  const times: Record<string, Record<'scripts' | 'command' | 'startToClose', number[]>> = {};
  for (let seed = 1; seed <= rounds; seed++) {
    const name = `iris-${seed}`;
    const task = { name, source, target: 'species', batchSize: 50, maxDepth: 5, seed };
    const scripts = await openScripts(task, store);
    for (const batch of [1, 2, 3]) {
      const of = (times[`batch ${batch}`] ??= { scripts: [], command: [], startToClose: [] });
      const theirs = await timed(() => scripts.run(batch));
      const ours = await timed(() => runOurs(project, task, batch));
      of.scripts.push(theirs.ms);
      of.command.push(ours.ms);
      of.startToClose.push(ours.answer);
      say(`${name}, batch ${batch}: scripts ${theirs.ms} ms, our command ${ours.ms} ms`);
    }
    scripts.remove();
  }
  return Object.fromEntries(
    Object.entries(times).map(([batch, { scripts, command, startToClose }]) => [
      batch,
      {
        scripts: spreadOf(scripts),
        command: spreadOf(command),
        startToClose: spreadOf(startToClose),
      },
    ]),
  );
}

/** A table of the medians of both sides, and the scripts' time divided by ours. */
export function irisTable(costs: IrisCosts): string {
  const head = ['iris', 'scripts ms', 'our command ms', 'start to close ms', '÷', '÷'];
  const rows = Object.entries(costs).map(([batch, { scripts, command, startToClose }]) => [
    batch,
    ...[scripts, command, startToClose].map(({ median }) => median.toFixed(0)),
    ...[command, startToClose].map(({ median }) => (scripts.median / median).toFixed(1)),
  ]);
  return formatTable(head, rows);
}
