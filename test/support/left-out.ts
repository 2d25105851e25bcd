import { relative } from 'node:path';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

/** Says at the end which tests were left out on this machine, and why. */
export class LeftOut implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = [...leftOut(modules)].map(
      ([why, { tests, files }]) => `left out: ${count(tests)} (${[...files].join(', ')}): ${why}`,
    );
    if (lines.length > 0) process.stderr.write(`\n${lines.join('\n')}\n`);
  }
}

interface Group {
  tests: number;
  files: Set<string>;
}

/** By the reason. */
function leftOut(modules: readonly TestModule[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const module of modules)
    for (const test of module.children.allTests('skipped')) {
      const why = reasonOf(test);
      if (why === undefined) continue; // by -t, or `only`: somebody has chosen
      const group = groups.get(why) ?? { tests: 0, files: new Set() };
      group.tests++;
      group.files.add(relative(process.cwd(), module.moduleId));
      groups.set(why, group);
    }
  return groups;
}

function reasonOf(test: TestCase): string | undefined {
  let task: TestCase | TestSuite | TestModule = test;
  while (task.type !== 'module') {
    const { leftOut: why } = task.meta();
    if (why !== undefined) return why;
    task = task.parent;
  }
  return undefined;
}

function count(tests: number): string {
  return tests === 1 ? '1 test' : `${tests} tests`;
}
