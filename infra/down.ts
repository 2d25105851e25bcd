import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.ts';
import { membersOf } from './members.ts';
import { liveProcess } from './process.ts';
import { stopPart } from './stop.ts';
import type { PartName, StackOptions } from './types.ts';

/** Who uses others ends first. The times are for draining; nothing is killed before them. */
const ORDER: [PartName, number][] = [
  ['worker', 75_000],
  ['mlflow', 15_000],
  ['s3', 15_000],
  ['temporal', 15_000],
];

/**
 * Ends every process of the stack and keeps its data. Stopping a stopped stack is fine.
 * @returns the parts that were running.
 */
export async function stackDown(options: StackOptions): Promise<PartName[]> {
  const { root, dir = join(root, '.stack'), report = () => {} } = options;
  if (!existsSync(dir)) return [];
  return withLock(join(dir, 'lock'), async () => {
    const stopped: PartName[] = [];
    for (const [part, graceMs] of ORDER) {
      const runs = liveProcess(dir, part) ?? (await membersOf(dir, part))[0];
      if (runs === undefined) continue;
      report({ part, state: 'stopping', line: `${part} ends` });
      const { killed } = await stopPart(dir, part, graceMs);
      stopped.push(part);
      const how = killed ? 'did not end when asked, and was killed' : 'has ended';
      report({ part, state: 'stopped', line: `${part} ${how}` });
    }
    return stopped;
  });
}
