import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { findWorkFolders } from '../../config/project-root.ts';
import { readEnvBytes } from '../../contract/env.ts';
import { readCacheSize } from '../../store/part-cache.ts';

const infra = fileURLToPath(new URL('../../infra', import.meta.url));
const read = (...path: string[]): string => readFileSync(join(infra, ...path), 'utf8');

/** The folder that the image writes to. */
const dockerfile = read('containers', 'worker.Dockerfile');
const folder = /RETRAIN_WORK_DIR=(\S+)/.exec(dockerfile)![1]!;

it('the temporary files and the cache are in one folder, and the cache elsewhere if asked', () => {
  expect(findWorkFolders('/app', {})).toEqual({
    scratch: '/app/.retrain/scratch',
    cache: '/app/.retrain/cache',
  });
  expect(findWorkFolders('/app', { RETRAIN_WORK_DIR: '/work' })).toEqual({
    scratch: '/work/scratch',
    cache: '/work/cache',
  });
  const both = { RETRAIN_WORK_DIR: '/work', RETRAIN_CACHE_DIR: '/shared' };
  expect(findWorkFolders('/app', both)).toEqual({ scratch: '/work/scratch', cache: '/shared' });
});

it('the image, compose and Kubernetes put a writable volume at the same work folder', () => {
  expect(dockerfile).toContain(`VOLUME ${folder}\n`);
  const { services, volumes } = parse(read('compose.yaml'), { merge: true }) as {
    services: Record<string, { environment: Record<string, string>; volumes: object[] }>;
    volumes: object;
  };
  for (const name of ['worker', 'client', 'search-attributes']) {
    expect(services[name]!.environment['RETRAIN_WORK_DIR']).toBe(folder);
    expect(services[name]!.volumes).toContainEqual({
      type: 'volume',
      source: 'work',
      target: folder,
    });
  }
  expect(volumes).toHaveProperty('work');
});

it('the work folder on Kubernetes holds three times the largest source, and the cache', () => {
  const [places, deployment] = parseAllDocuments(read('kubernetes', 'worker.yaml')).map(
    (document) => document.toJS() as Manifest,
  );
  const { containers, volumes } = deployment!.spec.template.spec;
  expect(containers[0]!.env).toContainEqual({ name: 'RETRAIN_WORK_DIR', value: folder });
  const { name } = containers[0]!.volumeMounts.find(({ mountPath }) => mountPath === folder)!;
  const size = volumes.find((volume) => volume.name === name)!.emptyDir!.sizeLimit!;
  const most = readEnvBytes(places!.data, 'RETRAIN_SOURCE_MAX_BYTES', 0);
  const needed = 3 * most + readCacheSize({});
  expect(readEnvBytes({ size: `${size}B` }, 'size', 0)).toBeGreaterThan(needed);
});

interface Manifest {
  data: Record<string, string>;
  spec: {
    template: {
      spec: {
        containers: { env: object[]; volumeMounts: { name: string; mountPath: string }[] }[];
        volumes: { name: string; emptyDir?: { sizeLimit?: string } }[];
      };
    };
  };
}
