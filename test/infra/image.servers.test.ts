import { spawn } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ResultDocument } from '../../client/result.ts';
import { buildImage, enterImage, findMissingForImages, type Image } from '../support/image.ts';
import { needs } from '../support/needs.ts';
import { freePort, ROOT, type Ran } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';

/** The services of compose.yaml that run the image, in the file tree that its Dockerfile makes. */

interface Service {
  environment: Record<string, string>;
  entrypoint: string[];
  command: string[];
  working_dir: string;
}
const compose = parse(readFileSync(join(ROOT, 'infra', 'compose.yaml'), 'utf8'), {
  merge: true,
}) as { services: Record<string, Service> };

describe('the image of the worker', needs(findMissingForImages()), () => {
  const project = withProject('image', { workers: [] });
  const work = mkdtempSync(join(tmpdir(), 'image-work-'));
  let image: Image;
  let health: number;

  beforeAll(async () => {
    image = buildImage(join(ROOT, 'infra', 'containers', 'worker.Dockerfile'), ROOT);
    // A volume begins as its folder in the image.
    const { uid, gid } = statSync(join(image.root, image.volumes[0]!));
    chownSync(work, uid, gid);
    health = await freePort();
  }, 900_000);

  afterAll(() => {
    image?.remove();
    rmSync(work, { recursive: true, force: true });
  });

  /** Starts what a service of compose.yaml starts, on the servers of the tests. */
  function start(name: string, ...args: string[]) {
    const service = compose.services[name]!;
    const { env } = project;
    const passed = Object.entries(env).filter(([key]) =>
      /^(TEMPORAL_|AWS_|MLFLOW_(TRACKING|EXPERIMENT))|^RETRAIN_BUCKET$/.test(key),
    );
    const words = name === 'worker' ? image.command : [...service.entrypoint, ...args];
    const volumes = {
      [image.volumes[0]!]: work,
      '/app/params.yaml': join(project.folder, 'params.yaml'),
    };
    const command = enterImage(image, words, { volumes, cwd: service.working_dir });
    const { RETRAIN_WORK_DIR, RETRAIN_SOURCE_MAX_BYTES: most } = service.environment;
    const limits = { RETRAIN_SOURCE_MAX_BYTES: most!.replace(/^.*:-(.*)\}$/, '$1') };
    return spawn(command[0]!, command.slice(1), {
      env: {
        PATH: process.env['PATH'],
        HOME: '/home/node',
        ...image.env,
        ...Object.fromEntries(passed),
        ...limits,
        RETRAIN_WORK_DIR,
        RETRAIN_HEALTH_PORT: String(health),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  function ended(child: ReturnType<typeof start>): Promise<Ran> {
    const out = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (out.stderr += text));
    return new Promise((resolve, reject) => {
      child.once('error', reject).once('close', (code) => resolve({ code, ...out }));
    });
  }

  it('runs a whole batch as another user on a read-only root, and drains on SIGTERM', async () => {
    const worker = start('worker');
    const workerEnd = ended(worker);
    try {
      const registered = await ended(start('search-attributes', 'search-attributes', 'register'));
      expect(registered).toMatchObject({ code: 0 });
      const ran = await ended(start('client', 'run', '1', '--json'));
      expect(ran).toMatchObject({ code: 0 });
      const document = JSON.parse(ran.stdout) as ResultDocument;
      expect(document).toMatchObject({ status: 'completed', batch: 1 });
      expect((await fetch(`http://127.0.0.1:${health}/readyz`)).ok).toBe(true);
    } finally {
      worker.kill('SIGTERM');
    }
    expect(await workerEnd).toMatchObject({ code: 0 });
    expect(statSync(join(work, 'cache')).uid).toBe(statSync(work).uid);
  });

  it('says at its start where it cannot write, and which setting chooses another place', async () => {
    const locked = join(work, 'locked');
    mkdirSync(locked, { mode: 0o500 });
    const volumes = { [image.volumes[0]!]: work };
    const [program, ...args] = enterImage(image, image.command, { volumes });
    const env = {
      PATH: process.env['PATH'],
      ...image.env,
      RETRAIN_WORK_DIR: '/var/lib/retrain/locked',
      TEMPORAL_ADDRESS: '127.0.0.1:9',
    };
    const child = spawn(program!, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const { code, stderr } = await ended(child);
    expect(code).toBe(1);
    expect(stderr).toContain(
      '/var/lib/retrain/locked/scratch cannot be written by this user (EACCES): set RETRAIN_WORK_DIR to a folder that it may write',
    );
  });
});
