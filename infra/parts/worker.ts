import { stackAddresses } from '../addresses.ts';
import { httpProblem } from '../http-check.ts';
import { DEFAULT_PORTS, portVariable } from '../ports.ts';
import { codeEdition } from './code-edition.ts';
import type { Part, Plan } from './part.ts';

/**
 * Memory of tables and trees goes back to the system when it is freed; left alone, glibc keeps much of what
 * large work took. Read by no other C library. https://man7.org/linux/man-pages/man3/mallopt.3.html
 */
const GLIBC = { MALLOC_MMAP_THRESHOLD_: '262144', MALLOC_TRIM_THRESHOLD_: '262144' };

/** The process that hosts workflows and activities, run from its source. */
export function workerPart(plan: Plan, extra: Record<string, string> = {}): Part {
  const { dir, root, ports } = plan;
  const url = `http://127.0.0.1:${ports.health}`;
  return {
    name: 'worker',
    title: 'worker',
    url,
    command: [process.execPath, '--import', 'tsx', 'worker.ts'],
    cwd: root,
    env: {
      ...workerEnv(plan),
      RETRAIN_ROOT: root,
      RETRAIN_STACK_DIR: dir,
      RETRAIN_HEALTH_PORT: `${ports.health}`,
      ...GLIBC,
      ...extra,
    },
    // Settings of another Temporal (keys, TLS, a profile), another S3 account, or another stack's MLflow.
    hide: new RegExp(
      `^(TEMPORAL_|AWS_(PROFILE|SESSION_TOKEN|ENDPOINT_URL)$|RETRAIN_STACK_MLFLOW_URI$${ports.mlflow === DEFAULT_PORTS.mlflow ? '' : '|MLFLOW_TRACKING_URI$'})`,
    ),
    ports: [{ port: ports.health, variable: portVariable('health') }],
    needs: ['temporal', 's3'],
    edition: codeEdition(root),
    problem: () => httpProblem(`${url}/readyz`),
    startMs: 120_000,
    stopMs: 75_000, // it drains for up to a minute
  };
}

/**
 * The stack's addresses, less those that params.yaml names by default: a variable would win over that
 * file, and whoever writes `tracking_uri: ./mlruns` there must get it. The worker itself asks the stack
 * for MLflow's where the file does not say otherwise.
 */
function workerEnv({ ports, credentials }: Plan): Record<string, string> {
  const { MLFLOW_TRACKING_URI: _, ...addresses } = stackAddresses(ports);
  const all: Record<string, string> = { ...addresses, ...credentials };
  if (ports.s3 === DEFAULT_PORTS.s3) delete all['AWS_ENDPOINT_URL_S3'];
  return all;
}
