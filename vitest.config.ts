import { defineConfig } from 'vitest/config';
import { LeftOut } from './test/support/left-out.ts';
import { Order } from './test/support/order.ts';
import { SOON } from './test/support/soon.ts';

/**
 * Two projects. `unit` needs nothing but Node. `servers` (files named `*.servers.test.ts`, and test/e2e) starts
 * one stack for all files, on free ports and in a temporary folder, before the first file.
 */
export default defineConfig({
  test: {
    reporters: ['default', new LeftOut()],
    sequence: { sequencer: Order },
    coverage: {
      include: ['**/*.ts'],
      exclude: [
        '**/.stack/**',
        '**/dist/**',
        '**/test/**',
        '**/bench/**',
        '**/*.d.ts',
        '**/*.config.ts',
      ],
      reporter: ['json-summary'],
      reportsDirectory: '.stack/coverage',
      reportOnFailure: true,
    },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.servers.test.ts', 'test/e2e/**'],
          setupFiles: ['test/support/seed.ts'],
          maxWorkers: '100%',
          testTimeout: 120_000,
          expect: { poll: SOON },
        },
      },
      {
        test: {
          name: 'servers',
          include: ['test/**/*.servers.test.ts', 'test/e2e/**/*.test.ts'],
          globalSetup: 'test/support/stack.ts',
          // Only a test that hangs takes so long: on a busy machine, all take several times as long as alone.
          testTimeout: 600_000,
          hookTimeout: 600_000,
          expect: { poll: SOON },
          // Files share no namespace, bucket or experiment (see `withProject`), and mostly wait for servers.
          maxWorkers: Number(process.env['RETRAIN_TEST_FILES'] ?? 4),
          sequence: { groupOrder: 1 }, // after the unit tests, which use every core
        },
      },
    ],
  },
});
