import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './support/nodes.ts';

/** `npm run coverage`: the lines and branches of each folder that unit tests run. A map, and no target. */
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const args = ['run', '--project', 'unit', '--coverage', '--reporter=dot'];
const { status } = spawnSync(process.execPath, [vitest, ...args], { cwd: root, stdio: 'inherit' });

interface Counts {
  covered: number;
  total: number;
}

type Summary = Record<string, Record<'lines' | 'branches', Counts>>;

const file = join(root, '.stack', 'coverage', 'coverage-summary.json');
const { total: _, ...files } = JSON.parse(readFileSync(file, 'utf8')) as Summary;
const folders = new Map<string, Summary[string][]>();
for (const [path, counts] of Object.entries(files)) {
  const folder = folderOf(relative(root, path));
  folders.set(folder, [...(folders.get(folder) ?? []), counts]);
}
const rows = [...folders]
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .map(([folder, entries]) => {
    const share = (kind: 'lines' | 'branches'): string =>
      percent(entries.map((counts) => counts[kind])).padStart(10);
    return `${folder.padEnd(22)}${share('lines')}${share('branches')}`;
  });
process.stdout.write(`\n${'folder'.padEnd(22)}     lines  branches\n${rows.join('\n')}\n`);
process.exitCode = status ?? 1;

/** The folders of pipeline/ and client/ are large enough for a line each. */
function folderOf(path: string): string {
  const parts = path.split('/').slice(0, -1);
  if (parts.length === 0) return 'the root';
  return parts[0] === 'pipeline' ? parts.slice(0, 2).join('/') : parts[0]!;
}

function percent(counts: readonly Counts[]): string {
  const sum = (of: keyof Counts): number => counts.reduce((total, count) => total + count[of], 0);
  return sum('total') === 0 ? '–' : `${((100 * sum('covered')) / sum('total')).toFixed(1)} %`;
}
