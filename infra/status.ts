import { join } from 'node:path';
import { makeParts, type Part } from './parts/index.ts';
import { DEFAULT_PORTS } from './ports.ts';
import { liveProcess, logFile } from './process.ts';
import { venvAt } from './python.ts';
import { readState } from './state.ts';
import type { PartName, PartStatus, StackOptions } from './types.ts';

/** How each part of the stack is, asked just now; starts and changes nothing. */
export async function stackStatus(options: StackOptions): Promise<PartStatus[]> {
  const { root, dir = join(root, '.stack') } = options;
  const state = readState(dir);
  const plan = {
    dir,
    root,
    ports: state?.ports ?? DEFAULT_PORTS,
    inner: state?.inner ?? {},
    credentials: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }, // nothing is started with them
    venv: venvAt(state?.venv ?? join(dir, 'venv')),
  };
  const minio = state?.s3 === 'minio' ? 'minio' : undefined;
  const unused: PartName | undefined = state?.mlflow === false ? 'mlflow' : undefined;
  return Promise.all(
    makeParts(plan, minio).map(async (part) => {
      const status = await statusOf(dir, part);
      if (part.name !== unused || status.state !== 'stopped') return status;
      return { ...status, state: 'unused' as const, detail: 'runs are tracked in a directory' };
    }),
  );
}

async function statusOf(dir: string, part: Part): Promise<PartStatus> {
  const { name, title, url } = part;
  const running = liveProcess(dir, name);
  if (running === undefined) {
    return { part: name, state: 'stopped', url, detail: `${title} does not run` };
  }
  const problem = await part.problem();
  const about = { part: name, url, pid: running.pid, since: running.since };
  return problem === undefined
    ? { ...about, state: 'running', detail: title }
    : { ...about, state: 'unhealthy', detail: `${problem}; its log is ${logFile(dir, name)}` };
}
