import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { formatTable } from '../../client/format.ts';
import { makeTable } from '../tree-data.ts';
import { runOurs } from './ours.ts';
import { openScripts } from './scripts.ts';
import type { Cost, Sides } from './sides.ts';

export const ROWS_PER_BATCH = 5_000;
const FEATURES = 8;

/** The costs of one version on each side. */
export type LargeCosts = Record<number, { scripts: Cost; ours: Cost }>;

/** Builds version N of a table with 5 000 rows in each batch, after preparing the batches before it. */
export async function largeVersions(
  { project, store, timed, say }: Sides,
  source: string,
  versions: readonly number[],
): Promise<LargeCosts> {
  const task = {
    name: 'large',
    source,
    target: 'label',
    batchSize: ROWS_PER_BATCH,
    maxDepth: 10,
    seed: 42,
  };
  const scripts = await openScripts(task, store);
  const costs: LargeCosts = {};
  for (const version of versions) {
    await scripts.prepareBefore(version);
    if (version > 1) await runOurs(project, task, version - 1, '--until', 'preprocess');
    const theirs = await timed(() => scripts.run(version));
    const ours = await timed(() => runOurs(project, task, version));
    costs[version] = { scripts: costOf(theirs), ours: costOf(ours) };
    say(`version ${version}: scripts ${theirs.ms} ms, our command ${ours.ms} ms`);
  }
  scripts.remove();
  return costs;
}

function costOf({ ms, up, down }: Cost): Cost {
  return { ms, up, down };
}

/** A table of wall time and of bytes to and from S3, by version. */
export function largeTable(costs: LargeCosts): string {
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(2);
  const head = [
    'version',
    'scripts s',
    'ours s',
    '÷',
    'scripts MB up',
    'ours MB up',
    'ours MB down',
  ];
  const rows = Object.entries(costs).map(([version, { scripts, ours }]) => [
    version,
    (scripts.ms / 1000).toFixed(1),
    (ours.ms / 1000).toFixed(1),
    (scripts.ms / ours.ms).toFixed(1),
    mb(scripts.up),
    mb(ours.up),
    mb(ours.down),
  ]);
  return formatTable(head, rows);
}

/** Writes the table as CSV: columns of numbers, and a label with three values. */
export async function writeLarge(
  file: string,
  batches: number,
  batchSize = ROWS_PER_BATCH,
): Promise<void> {
  const { rows, columns, classes } = makeTable(batches * batchSize, FEATURES, 7);
  const out = createWriteStream(file);
  out.write(`${columns.map((_, i) => `x${i}`).join()},label\n`);
  for (let row = 0; row < rows; row++) {
    const cells = columns.map((column) => column[row]!.toFixed(6));
    const kept = out.write(`${cells.join()},${'abc'[classes[row]!]}\n`);
    if (!kept) await once(out, 'drain');
  }
  out.end();
  await finished(out);
}
