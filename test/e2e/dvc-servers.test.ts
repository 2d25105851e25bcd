import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectKey, sha256 } from '../../store/hash.ts';
import { dvcConfig, dvcLock, dvcYaml, toYaml } from '../../store/dvc/writers.ts';
import type { DvcItem, DvcPipeline } from '../../store/dvc/pipeline.ts';
import { openStore, type Store } from '../../store/index.ts';
import { withPath, type Ref } from '../../contract/ref.ts';
import { readSource } from '../sources/read-source.ts';
import { expectPulled, makeDvcFolder, type DvcFolder } from '../support/dvc.ts';
import { makeProject, type Project, succeed, unique } from '../support/project.ts';
import { describeOnEachS3, type S3Server } from '../support/s3-servers.ts';

/** The real DVC over each S3 server: what we write it reads, and what it pushes we read. */

const bucket = unique('dvc-servers');

describeOnEachS3('DVC', ({ name: serverName, open }) => {
  let server: S3Server;
  let store: Store;
  let env: Record<string, string>;
  const folders: DvcFolder[] = [];

  beforeAll(async () => {
    server = await open();
    const options = server.options(bucket);
    store = openStore(options);
    await store.bucket.ensure();
    const { accessKeyId, secretAccessKey } = options.credentials!;
    env = {
      AWS_ENDPOINT_URL_S3: options.endpoint!,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    };
  });

  afterAll(async () => {
    store?.bucket.close();
    for (const folder of folders) folder.remove();
    await server?.stop();
  });

  function openFolder(what: string): DvcFolder {
    const folder = makeDvcFolder(what, { ...(process.env as Record<string, string>), ...env });
    folders.push(folder);
    mkdirSync(folder.folder);
    return folder;
  }

  describe('names and sizes that DVC must read as we wrote them', () => {
    const NAMES = ['with space.csv', 'Überzüge.csv', '数据 🌸.csv', 'ﬁ.csv', 'a${b}.csv', '-dash'];
    const PARTS = 2_000;
    const VALUES = { empty: {}, none: null, date: '2024-01-01', no: 'no', tiny: 1e-7, big: 1e21 };
    let odd: DvcFolder;
    let files: Ref[];
    let directories: Ref[];

    beforeAll(async () => {
      odd = openFolder('odd');
      const { artifacts } = store;
      const put = async (path: string, text: string): Promise<Ref> =>
        artifacts.put(path, Buffer.from(text));
      const parts: Ref[] = [];
      for (let i = 0; i < PARTS; i += 50)
        parts.push(
          ...(await Promise.all(
            Array.from({ length: 50 }, (_, j) => put(`ü 🌸/part_${i + j}`, `part ${i + j}`)),
          )),
        );
      files = await Promise.all(NAMES.map((name) => put(`raw/${name}`, `content of ${name}`)));
      const empty = await put('raw/empty', '');
      const inside = [...files, empty].map((ref) => withPath(ref.path.slice('raw/'.length), ref));
      directories = [
        await artifacts.putDirectory('data/odd names 🌸/', inside),
        await artifacts.putDirectory('data/parts/', parts),
      ];
      const item = ({ path, md5, size }: Ref, nfiles?: number): DvcItem => ({
        path: path.replace(/\/$/, ''),
        md5,
        size,
        nfiles,
      });
      const params = Object.entries(VALUES).map(([name, value]) => [`odd.${name}`, value]);
      const raw = [...files, empty].map((ref) => item(ref));
      const merged = [item(directories[0]!, inside.length), item(directories[1]!, PARTS)];
      const make = { name: 'make', command: 'make ${all}', deps: [], outs: raw };
      const merge = { name: 'merge', command: 'merge', deps: raw, params: {}, outs: merged };
      const pipeline: DvcPipeline = {
        settings: `--set 'a=$''{b}'`,
        stages: [{ ...make, params: Object.fromEntries(params) }, merge],
        metrics: [],
        plots: [],
      };
      mkdirSync(join(odd.folder, '.dvc'));
      const write = (path: string, content: string): void =>
        writeFileSync(join(odd.folder, path), content);
      write('.dvc/config', dvcConfig(store.bucket.location, { noScm: true }));
      write('dvc.yaml', dvcYaml(pipeline, 'odd names'));
      write('dvc.lock', dvcLock(pipeline));
      write('params.yaml', toYaml({ odd: VALUES }));
    });

    it('pulls spaces, umlauts, emoji, an empty file and 2 000 parts, and finds them clean', async () => {
      await succeed(odd.dvc('pull'));
      for (const ref of [...directories, ...files]) await expectPulled(store, odd, ref);
      expect(readFileSync(join(odd.folder, 'raw/empty')).byteLength).toBe(0);
      expect(await odd.dvcJson('status')).toEqual({});
      expect(await odd.dvcJson('status', '--cloud')).toEqual({});
      expect((await succeed(odd.dvc('repro'))).stdout).not.toContain('Running stage');
    });

    it('fails to pull an object that was damaged in the bucket', async () => {
      const [file] = files;
      const damaged = Buffer.from('content of another');
      await store.bucket.put(objectKey(file!.md5), damaged, { sha256: sha256(damaged) });
      rmSync(join(odd.folder, '.dvc', 'cache'), { recursive: true });
      rmSync(join(odd.folder, file!.path));
      expect((await odd.dvc('pull', file!.path)).code).not.toBe(0);
      expect(existsSync(join(odd.folder, file!.path))).toBe(false);
    });
  });

  describe('a repository made by stock DVC', () => {
    const CSV = 'a,b,label\r\n1,2,ja\r\n3,4,nein\r\n';
    const NAME = '数据 für alle 🌸.csv';
    let repo: DvcFolder;

    const fetched = (file: string) =>
      readSource(`dvc://${join(repo.folder, file)}`, { s3: server.options('not-this-one') });
    const write = (file: string, text: string): void =>
      writeFileSync(join(repo.folder, file), text);

    beforeAll(async () => {
      repo = openFolder('stock');
      await succeed(repo.dvc('init', '--no-scm'));
      write(NAME, CSV);
      mkdirSync(join(repo.folder, 'tables'));
      write('tables/one.csv', CSV);
      await succeed(repo.dvc('add', NAME, 'tables'));
    });

    it('that names no remote yet is refused with that reason', async () => {
      await expect(fetched(`${NAME}.dvc`)).rejects.toThrow(
        /without a default remote: run "dvc remote add -d/,
      );
    });

    it('is read by hash once it has pushed, under any file name', async () => {
      await succeed(repo.dvc('remote', 'add', '--default', 'there', `s3://${bucket}/stock`));
      await succeed(
        repo.dvc('remote', 'modify', 'there', 'endpointurl', env['AWS_ENDPOINT_URL_S3']!),
      );
      await expect(fetched(`${NAME}.dvc`)).rejects.toThrow(/run "dvc push" in its repository/);
      await succeed(repo.dvc('push'));
      rmSync(join(repo.folder, NAME));
      expect(await fetched(`${NAME}.dvc`)).toMatchObject({ text: CSV, path: `data/raw/${NAME}` });
    });

    it('is refused where it names a directory, which is no table', async () => {
      await expect(fetched('tables.dvc')).rejects.toThrow('names a directory (tables)');
    });
  });

  // The test stack's own server has its exports read in dvc-export.test.ts.
  if (serverName === 'SeaweedFS') return;

  describe('an export', () => {
    let project: Project;

    beforeAll(async () => {
      project = await makeProject('dvc-export', { ...env, RETRAIN_BUCKET: bucket });
      await project.startWorker();
      await succeed(project.client('run', '2'));
    });

    afterAll(() => project?.close());

    it('pulls, is clean and runs nothing', async () => {
      const plain = openFolder('export');
      await succeed(project.client('dvc', 'export', '2', '--out', plain.folder));
      await succeed(plain.dvc('pull'));
      const { stages } = await store.records.latest('iris', 2);
      for (const { outputs } of stages)
        for (const ref of Object.values(outputs)) await expectPulled(store, plain, ref);
      expect(await plain.dvcJson('status')).toEqual({});
      expect(await plain.dvcJson('status', '--cloud')).toEqual({});
      expect((await succeed(plain.dvc('repro'))).stdout).toContain('up to date');
    });
  });
});
