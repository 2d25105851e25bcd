import { relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** How long each file took when all its tests ran, in ms. */
const durations = new Map<string, number>();

/** Starts the fastest files first: the first test that notices a change ends its run. */
class FastestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => this.#durationOf(a) - this.#durationOf(b));
  }

  #durationOf({ moduleId, project }: TestSpecification): number {
    const known = durations.get(moduleId);
    if (known !== undefined) return known;
    const key = `${project.name}:${relative(this.ctx.config.root, moduleId)}`;
    const duration = this.ctx.cache.getFileTestResults(key)?.duration;
    if (duration !== undefined) durations.set(moduleId, duration);
    return duration ?? 0;
  }
}

/** One project with the tests that run.ts names: StrykerJS cannot choose one project of several. */
export default defineConfig({
  test: {
    include: (process.env['RETRAIN_MUTANTS_TESTS'] ?? '').split(' '),
    exclude: ['**/*.servers.test.ts'],
    setupFiles: ['test/support/seed.ts', 'test/mutants/sleep.ts'],
    isolate: process.env['RETRAIN_MUTANTS_MOCKS'] === 'true',
    sequence: { sequencer: FastestFirst },
    testTimeout: 60_000,
  },
});
