import { join } from 'node:path';
import { findHttpProblem } from '../health.ts';
import { namePortVariable } from '../ports.ts';
import type { Part, Plan } from './part.ts';

/** MLflow's tracking server: one worker, metadata in SQLite, artifacts served from a folder. */
export function mlflowPart({ dir, ports, venv }: Plan): Part {
  const url = `http://127.0.0.1:${ports.mlflow}`;
  return {
    name: 'mlflow',
    title: 'MLflow',
    url,
    command: [
      venv.python,
      // As a module, because the first line of a script cannot name an interpreter in a folder with spaces.
      '-m',
      'mlflow',
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
    edition: venv.stamp,
    problem: () => findHttpProblem(`${url}/health`),
    startMs: 180_000, // imports and a first migration on a slow disk
    stopMs: 15_000,
  };
}
