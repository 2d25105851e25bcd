import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { needs } from '../support/needs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const file = join(root, 'infra', 'compose.yaml');
const checker = fileURLToPath(new URL('./compose-check', import.meta.url));
const secrets = {
  POSTGRES_PASSWORD: 'pass-p',
  S3_ACCESS_KEY_ID: 'user-s',
  S3_SECRET_ACCESS_KEY: 'pass-s',
};

interface Service {
  image: string;
  restart?: string;
  healthcheck?: { test: string[] };
  ports?: (string | { host_ip?: string; published?: string })[];
  profiles?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
}
interface Compose {
  services: Record<string, Service>;
}

function load(env: Record<string, string>): { status: number | null; out: string; err: string } {
  const ran = go(['run', '.', file], env);
  return { status: ran.status, out: ran.stdout, err: ran.stderr };
}

function go(args: readonly string[], env: Record<string, string>): SpawnSyncReturns<string> {
  const { PATH = '', HOME = '' } = process.env;
  return spawnSync('go', args, {
    cwd: checker,
    encoding: 'utf8',
    env: { PATH, HOME, GOFLAGS: '-mod=readonly', ...env },
  });
}

const missing = spawnSync('go', ['version']).status === 0 ? undefined : 'there is no Go';

describe("the compose file in the specification's own loader", needs(missing), () => {
  // go writes to stderr while it downloads, and the tests read stderr as the loader's errors.
  beforeAll(() => void go(['mod', 'download'], {}), 300_000);

  it('is valid, and every service waits for what it needs', { timeout: 300_000 }, () => {
    const { status, out, err } = load(secrets);
    expect(err).toBe('');
    expect(status).toBe(0);
    const { services } = parse(out) as Compose;
    expect(Object.keys(services).toSorted()).toEqual(
      [
        'client',
        'mlflow',
        'postgres',
        's3',
        'search-attributes',
        'temporal',
        'temporal-namespace',
        'temporal-schema',
        'temporal-ui',
        'worker',
      ].toSorted(),
    );
    for (const service of Object.values(services))
      for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
        const lasting = services[name]!.restart === 'unless-stopped';
        expect(condition).toBe(lasting ? 'service_healthy' : 'service_completed_successfully');
      }
    for (const { ports } of Object.values(services))
      for (const port of ports ?? []) expect(port).toMatchObject({ host_ip: '127.0.0.1' });
  });

  it('is refused without its secrets, and the error names the first missing one', () => {
    const { status, err } = load({ ...secrets, POSTGRES_PASSWORD: '' });
    expect(status).not.toBe(0);
    expect(err).toContain('POSTGRES_PASSWORD');
    expect(err).toContain('infra/.env');
  });
});

describe('the compose file', () => {
  const { services } = parse(readFileSync(file, 'utf8'), { merge: true }) as Compose;
  const example = readFileSync(join(root, 'infra', '.env.example'), 'utf8');

  it('has a health check for every long-running service, for the worker in its image', () => {
    const worker = readFileSync(join(root, 'infra', 'containers', 'worker.Dockerfile'), 'utf8');
    expect(worker).toContain('HEALTHCHECK');
    const unasked = Object.entries(services).filter(
      ([, { restart, healthcheck }]) => restart === 'unless-stopped' && healthcheck === undefined,
    );
    expect(unasked.map(([name]) => name)).toEqual(['worker']);
  });

  it('pins every image, and every variable that it reads is in .env.example', () => {
    const images = Object.values(services).map(({ image }) => image);
    expect(images.filter((image) => !/:\$\{[A-Z0-9_]+:-[^}]+\}$/.test(image))).toEqual([]);
    const read = new Set(readFileSync(file, 'utf8').match(/(?<=[^$]\$\{)[A-Z0-9_]+/g));
    const named = example.match(/^#?[A-Z0-9_]+(?==)/gm)!.map((line) => line.replace('#', ''));
    expect(named.toSorted()).toEqual([...read].toSorted());
  });

  it('holds no secret', () => {
    const secret = Object.values(services).flatMap(({ environment }) =>
      Object.entries(environment ?? {}).filter(([name]) => /PASSWORD|SECRET|PWD|KEY/.test(name)),
    );
    expect(secret.length).toBeGreaterThan(4);
    for (const [, value] of secret) expect(value).toMatch(/^\$\{[A-Z0-9_]+:\?/);
    const given = example.match(/^[A-Z0-9_]+=.*$/gm)!;
    expect(given.every((line) => line.endsWith('='))).toBe(true);
  });
});
