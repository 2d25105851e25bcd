import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findHttpProblem } from '../health.ts';
import { namePortVariable } from '../ports.ts';
import type { Part, Plan } from './part.ts';

/** The time for imports and a first migration on a slow disk. */
export const MLFLOW_START_MS = 180_000;

/** Starts MLflow's server in one process, which halves its time to start. */
const program = fileURLToPath(new URL('./mlflow_server.py', import.meta.url));

/** MLflow's tracking server: one worker, metadata in SQLite, artifacts served from a folder. */
export function mlflowPart({ dir, ports, venv }: Plan): Part {
  const url = `http://127.0.0.1:${ports.mlflow}`;
  return {
    name: 'mlflow',
    title: 'MLflow',
    url,
    command: [
      venv.python,
      program,
      'server',
      '--host=127.0.0.1',
      `--port=${ports.mlflow}`,
      '--workers=1',
      '--backend-store-uri=sqlite:///mlflow.db',
      '--artifacts-destination=./artifacts',
      '--serve-artifacts',
    ],
    // The URIs above are relative to this folder, so that its name needs no quoting in them.
    cwd: join(dir, 'mlflow'),
    env: {
      // MLflow's job runner takes four times the memory, and this project does not use it.
      MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
      MLFLOW_DISABLE_TELEMETRY: 'true',
      DO_NOT_TRACK: 'true',
      PYTHONUNBUFFERED: '1',
    },
    // Without compiled files each start takes twice the time: the first one leaves them in the environment.
    hide: /^(MLFLOW_|PYTHONPATH$|PYTHONHOME$|PYTHONDONTWRITEBYTECODE$|VIRTUAL_ENV$)/,
    ports: [{ port: ports.mlflow, variable: namePortVariable('mlflow') }],
    needs: [],
    edition: () => venv.stamp,
    problem: () => findHttpProblem(`${url}/health`),
    startMs: MLFLOW_START_MS,
    stopMs: 15_000,
  };
}
