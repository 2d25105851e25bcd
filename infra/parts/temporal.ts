import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SetupError } from '../../contract/failures.ts';
import { findHttpProblem, isServing } from '../health.ts';
import { namePortVariable } from '../ports.ts';
import { SEARCH_ATTRIBUTES } from '../../contract/search-attributes.ts';
import type { Part, Plan } from './part.ts';

const run = promisify(execFile);

const FRONTEND = 'temporal.api.workflowservice.v1.WorkflowService';
/** The default of 24 hours for closed histories is too short to look back at the last week. */
const RETENTION = '720h';

const SETTINGS = [
  // With WAL and full sync, a crash or a power cut loses no acknowledged write. It costs 10 ms for each run.
  '--sqlite-pragma=journal_mode=WAL',
  '--sqlite-pragma=synchronous=FULL',
  // Without these settings, each task waits 50 ms for its dispatch and each timer up to one second longer.
  '--dynamic-config-value=history.transferProcessorMaxPollRPS=1000',
  '--dynamic-config-value=history.timerProcessorMaxTimeShift="10ms"',
];

/** Temporal's dev server with its Web UI, on a file database that keeps our search attributes. */
export function temporalPart({ dir, ports, inner, venv }: Plan): Part {
  const address = `127.0.0.1:${ports.temporal}`;
  const ui = `http://127.0.0.1:${ports.ui}`;
  return {
    name: 'temporal',
    title: 'Temporal',
    url: ui,
    command: [
      venv.temporal,
      'server',
      'start-dev',
      '--ip=127.0.0.1',
      `--port=${ports.temporal}`,
      `--ui-port=${ports.ui}`,
      `--metrics-port=${inner['temporalMetrics']}`,
      '--ui-disable-news-fetch',
      '--db-filename=temporal.db',
      ...SETTINGS,
    ],
    // The database file is relative to this folder, so that its name needs no quoting in a URI.
    cwd: join(dir, 'temporal'),
    env: {},
    hide: /^TEMPORAL_/,
    ports: [
      { port: ports.temporal, variable: namePortVariable('temporal') },
      { port: ports.ui, variable: namePortVariable('ui') },
    ],
    needs: [],
    edition: () => [venv.stamp, ...Object.keys(SEARCH_ATTRIBUTES)].join(' '),
    problem: async () =>
      (await isServing(ports.temporal, FRONTEND))
        ? findHttpProblem(ui)
        : `${address} does not answer as Temporal`,
    afterStart: async () => {
      const server = ['--address', address, '--disable-config-file', '--disable-config-env'];
      const update = ['operator', 'namespace', 'update', '-n', 'default', '--retention', RETENTION];
      await run(venv.temporal, [...update, ...server], { timeout: 20_000 }).catch(
        (cause: unknown) => {
          throw new SetupError(
            `Temporal runs, but does not accept a retention of ${RETENTION}: stop the stack and start it again`,
            { cause },
          );
        },
      );
      // Imported here, because a check of a running stack needs no gRPC library.
      const { registerAt } = await import('../register-search-attributes.ts');
      await registerAt(address, 'default');
    },
    startMs: 60_000,
    stopMs: 15_000,
  };
}
