import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Lineage } from '../../client/commands/lineage/graph.ts';
import type { Problem } from '../../client/commands/verify/problems.ts';
import type { Verified } from '../../client/commands/verify/versions.ts';
import { verifyVersions } from '../../client/commands/verify/versions.ts';
import { manifestKey, objectKey, sha256 } from '../../store/hash.ts';
import { ledgerKey } from '../../store/ledger/ledger.ts';
import { readSoundRecord } from '../../store/record-check.ts';
import { latestKey, recordKey, type VersionRecord } from '../../store/version-record.ts';
import type { Ref } from '../../contract/ref.ts';
import { entryKey, type CacheEntry } from '../../store/stage-cache.ts';
import { succeed } from '../support/project.ts';
import { rot } from '../support/rot.ts';
import { output, refused, withProject } from '../support/with-project.ts';
import { refuse } from '../store/made-records.ts';

/** Versions verified and explained, on the real stack: everything stored is damaged once. */

/** What `verify --json` prints. */
type Printed = Omit<Verified, 'problems'> & {
  problems: (Omit<Problem, 'versions'> & { versions: number[] })[];
};

let first: VersionRecord;
let second: VersionRecord;

const project = withProject('verify', { runs: [['1'], ['2']] });
const { json, store } = project;

beforeAll(async () => {
  first = await store.records.latest('iris', 1);
  second = await store.records.latest('iris', 2);
});

const OTHER_SHA256 = 'its SHA-256 is not the one in versions/iris/000002/latest.json';

const model1 = (): Ref => output(first, 'train', 'model');

describe('lineage', () => {
  it('has the hashes of the record, and leads from the metrics to the raw data', async () => {
    const { nodes, edges } = await json<Lineage>('lineage', '2');
    const known = new Map(nodes.map(({ path, sha256: hash }) => [path, hash]));
    for (const { outputs } of second.stages)
      for (const { path, sha256: hash } of Object.values(outputs))
        expect([path, known.get(path)]).toEqual([path, hash]);
    for (const { path, sha256: hash } of await store.artifacts.list(
      output(second, 'merge_data', 'merged'),
    ))
      expect(known.get(`data/batches/${path}`)).toBe(hash);
    const above = new Set(nodes.filter(({ kind }) => kind === 'metrics').map(({ id }) => id));
    for (const { from, to } of edges.toReversed()) if (above.has(to)) above.add(from);
    expect(nodes.filter(({ id }) => above.has(id)).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['raw', 'batches', 'merged', 'splits', 'model', 'metrics']),
    );
  });

  it('shows as a tree, in Mermaid and as a picture', async () => {
    const { md5 } = output(second, 'train', 'model');
    const tree = await project.client('lineage', '2');
    expect(tree.stdout).toMatch(new RegExp(`models/batch_2/model.json +${md5.slice(0, 8)}`));
    const mermaid = await project.client('lineage', '2', '--mermaid');
    expect(mermaid.stdout).toMatch(/^flowchart LR\n/);
    expect((await project.client('lineage', '2', '--svg', 'pictures/2.svg')).code).toBe(0);
    expect(readFileSync(join(project.folder, 'pictures/2.svg'), 'utf8')).toContain(md5.slice(0, 8));
  });

  it('of a version that was never built says so', async () => {
    expect(refused(await project.client('lineage', '7'))).toContain('version 7 of iris');
  });
});

describe('verify', () => {
  const verify = async (...args: string[]): Promise<Printed & { code: number | null }> => {
    const { code, stdout } = await project.client('verify', ...args, '--json');
    return { code, ...(JSON.parse(stdout) as Printed) };
  };
  /** Puts other bytes under a key, runs `work`, and puts the right ones back. */
  async function spoilt(key: string, bytes: Uint8Array | null, work: () => Promise<void>) {
    const right = (await store.bucket.get(key))!.bytes;
    if (bytes === null) await store.bucket.delete(key);
    else await store.bucket.put(key, bytes, { sha256: sha256(bytes) });
    await work();
    await store.bucket.put(key, right, { sha256: sha256(right) });
  }

  it('finds both versions undamaged, and reads each object once', async () => {
    const all = await verify('--all');
    expect(all).toMatchObject({ code: 0, versions: [1, 2], problems: [] });
    const one = await verify('1');
    expect(one).toMatchObject({ code: 0, versions: [1], problems: [] });
    const two = await verify('2');
    expect(all.objects).toBeGreaterThan(two.objects);
    expect(all.objects).toBeLessThan(one.objects + two.objects);
    const { stdout } = await project.client('verify', '--all');
    expect(stdout).toBe('2 versions of iris: all objects are stored and undamaged\n');
  });

  it('names what is missing and what is damaged, and the versions that rest on it', async () => {
    const [batch] = await store.artifacts.list(output(second, 'merge_data', 'merged'));
    const model = output(second, 'train', 'model');
    await spoilt(objectKey(batch!.md5), null, () =>
      spoilt(objectKey(model.md5), Buffer.alloc(model.size), async () => {
        const { code, problems } = await verify('--all');
        expect(code).toBe(1);
        expect(problems).toEqual([
          expect.objectContaining({
            state: 'missing',
            key: objectKey(batch!.md5),
            versions: [1, 2],
          }),
          expect.objectContaining({
            state: 'damaged',
            path: model.path,
            key: objectKey(model.md5),
            versions: [2],
          }),
        ]);
        const { code: failed, stdout, stderr } = await project.client('verify', '1');
        expect(failed).toBe(1);
        expect(stdout).toContain(objectKey(batch!.md5));
        expect(stdout).not.toContain(objectKey(model.md5));
        expect(stderr).toContain('1 missing or damaged');
        rmSync(join(project.folder, '.retrain/cache'), { recursive: true, force: true });
        const sentence = refused(await project.client('checkout', '2', '--out', 'damaged'));
        expect(sentence).toMatch(/is missing from the bucket|no longer matches its hash/);
        expect(existsSync(join(project.folder, 'damaged/data'))).toBe(false);
      }),
    );
  });

  const check = (version: number): Promise<Verified> =>
    verifyVersions(store, { pipeline: 'iris', version });

  it.each([
    ['manifest', () => manifestKey(output(second, 'merge_data', 'merged').sha256)],
    ['DVC directory', () => objectKey(output(second, 'preprocess', 'train').md5)],
    ['cache entry', () => entryKey('train', second.stages[4]!.key)],
    ['ledger', () => ledgerKey('iris')],
    ['pointer to the record', () => latestKey('iris', 2)],
    ['record', () => recordKey('iris', 2, second.seq)],
  ])('names a %s that is gone, and one that was overwritten', async (_what, keyOf) => {
    const key = keyOf();
    await spoilt(key, null, async () => {
      const { problems } = await check(2);
      expect(problems).toMatchObject([{ state: 'missing', key }]);
    });
    await spoilt(key, Buffer.from('{}'), async () => {
      const { problems } = await check(2);
      expect(problems).toMatchObject([{ state: 'damaged', key }]);
      expect([...problems[0]!.versions]).toEqual([2]);
    });
  });

  it.each<[string, (record: VersionRecord) => void, string]>([
    ['a hash', ({ stages }) => (stages[4]!.outputs['model'] = model1()), 'outputs of train'],
    ['an input', ({ stages }) => (stages[5]!.inputs['model'] = model1()), 'its evaluate'],
    ['a param', ({ params }) => (params['model'] = { max_depth: 9 }), 'its params'],
    ['its number', (record) => (record.version = 3), 'version 3 of iris'],
  ])(
    'sees that %s in a record was changed by hand, as do the others',
    async (_what, edit, sentence) => {
      const record = structuredClone(second);
      edit(record);
      const key = recordKey('iris', 2, second.seq);
      await spoilt(key, Buffer.from(JSON.stringify(record)), async () => {
        const { problems } = await check(2);
        expect(problems[0]).toMatchObject({ state: 'damaged', path: 'version record', key });
        expect(problems.map(({ why }) => why).join()).toContain(sentence);
        await expect(readSoundRecord(store, 'iris', 2)).rejects.toMatchObject({
          name: 'DamagedArtifact',
          message: expect.stringContaining(OTHER_SHA256),
        });
      });
    },
  );

  it('sees a score in a record that was changed by hand', async () => {
    const record = { ...second, metrics: { ...second.metrics, accuracy: 1 } };
    const key = recordKey('iris', 2, second.seq);
    await spoilt(key, Buffer.from(JSON.stringify(record)), async () => {
      const { problems } = await check(2);
      expect(problems.map(({ why }) => why)).toEqual([
        OTHER_SHA256,
        'its accuracy is not that of metrics/batch_2.json',
      ]);
    });
  });

  it('of a record changed by hand is one sentence from the others', async () => {
    const key = recordKey('iris', 2, second.seq);
    await spoilt(key, Buffer.from(JSON.stringify({ ...second, version: 3 })), async () => {
      for (const args of [
        ['lineage', '2'],
        ['checkout', '2', '--out', 'edited'],
      ])
        expect(refused(await project.client(...args))).toContain('changed by hand or damaged');
    });
    await spoilt(key, Buffer.from('{"schema": 1, oops'), async () => {
      for (const command of ['diff 1 2', 'why 2']) {
        const sentence = refused(await project.client(...command.split(' ')));
        expect(sentence).toContain(`the stored document ${key} is not JSON`);
        expect(sentence).toContain('restore it from a backup, or build the version again');
      }
      const status = await project.client('status', '2');
      expect(status.code).toBe(0);
      expect(status.stdout).toContain('iris-batch-2 completed');
      expect(status.stderr).toContain('the version cannot be shown: the stored document');
      const sentence = refused(await project.client('gc', '--yes'));
      expect(sentence).toContain(`delete ${key} to give the build up`);
    });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['a field less', { ledger_revision: undefined }, 'damaged (ledger_revision'],
    ['a field more', { mine: 1 }, 'damaged ('],
    ['a later schema', { schema: 9 }, 'newer than this program knows (3): update the program'],
    ['an unknown schema', { schema: 0 }, 'damaged (schema'],
  ])('refuses a record with %s', async (_what, edited, sentence) => {
    const key = recordKey('iris', 2, second.seq);
    await spoilt(key, Buffer.from(JSON.stringify({ ...second, ...edited })), async () => {
      await expect(readSoundRecord(store, 'iris', 2)).rejects.toMatchObject({
        name: 'DamagedArtifact',
        message: expect.stringContaining(sentence),
      });
      expect((await check(2)).problems).toMatchObject([{ path: 'version record', key }]);
    });
  });

  it('lets a version be built again beside a record that is not JSON', async () => {
    const key = recordKey('iris', 2, second.seq);
    await spoilt(key, Buffer.from('{'), async () => {
      const { code, stdout } = await project.client('run', '2', '--force', '--json');
      expect(code).toBe(0);
      const { warnings, metrics } = JSON.parse(stdout) as Record<string, unknown[]>;
      expect(warnings).toContainEqual(expect.stringContaining(`${key} is not JSON`));
      expect(metrics).toMatchObject({ accuracy: second.metrics['accuracy'] });
      expect((await readSoundRecord(store, 'iris', 2)).seq).toBe(second.seq + 1);
    });
    second = await store.records.latest('iris', 2);
  });

  it('needs a version or --all', async () => {
    for (const args of [[], ['1', '--all']]) {
      const { code, stderr } = await project.client('verify', ...args);
      expect([code, stderr.includes('needs a version or --all')]).toEqual([2, true]);
    }
    expect(refused(await project.client('verify', '9'))).toContain('version 9 of iris');
  });
});

describe('verify --repair', () => {
  interface Repaired extends Printed {
    repair: {
      repaired: { key: string }[];
      notRepaired: { version: number; why: string }[];
      changed: number[];
      runs: { version: number; forced: boolean }[];
    };
  }
  const repair = async (...args: string[]): Promise<Repaired & { code: number | null }> => {
    const { code, stdout } = await project.client('verify', ...args, '--repair', '--json');
    return { code, ...(JSON.parse(stdout) as Repaired) };
  };
  async function drop(key: string): Promise<string> {
    await store.bucket.delete(key);
    return key;
  }

  /** The cache entry of a batch's part, which no record names. */
  async function partEntry(part: Ref): Promise<{ key: string; entry: CacheEntry }> {
    for await (const { key } of store.bucket.list('cache/encode_part/')) {
      const entry = (await store.cache.read('encode_part', /([0-9a-f]{64})/.exec(key)![1]!))!;
      if (entry.outputs['train']!.md5 === part.md5) return { key, entry };
    }
    throw new Error(`no entry has left ${part.path}`);
  }

  it('makes what is missing or damaged again, byte for byte', async () => {
    await json('run', '3', '--publish', '--set', 'model.max_depth=2');
    const third = await store.records.latest('iris', 3);
    const [batch] = await store.artifacts.list(output(third, 'merge_data', 'merged'));
    const parts = await store.artifacts.list(output(third, 'preprocess', 'train'));
    const [lost, torn] = await Promise.all([0, 2].map((i) => partEntry(parts[i]!)));
    const { counts } = (await partEntry(parts[1]!)).entry.outputs;
    const entry = entryKey('evaluate', third.stages[5]!.key);
    await store.bucket.put(entry, Buffer.from('{}'), { sha256: sha256(Buffer.from('{}')) });
    await store.bucket.put(torn!.key, Buffer.from('{'), { sha256: sha256(Buffer.from('{')) });
    const keys = [
      entry,
      torn!.key,
      await drop(lost!.key),
      await drop(objectKey(counts!.md5)),
      await drop(objectKey(batch!.md5)),
      await drop(objectKey(output(third, 'train', 'model').md5)),
      await drop(manifestKey(output(third, 'preprocess', 'test').sha256)),
      await rot(project, output(third, 'preprocess', 'encoder')),
      await rot(project, parts[1]!),
      await rot(project, output(third, 'get_data', 'raw')),
    ];
    const { code, problems, repair: done } = await repair('3');
    expect({ code, problems, ...done }).toMatchObject({
      code: 0,
      problems: [],
      notRepaired: [],
      changed: [],
      runs: [{ version: 3, forced: false }],
    });
    expect(done.repaired.map(({ key }) => key).toSorted()).toEqual(keys.toSorted());
    const again = await store.records.latest('iris', 3);
    expect(again.mlflow).toEqual(third.mlflow);
    const { stdout } = await project.client('verify', '--all', '--repair');
    expect(stdout).toBe('3 versions of iris: all objects are stored and undamaged\n');
  });

  const promote = (version: string): Promise<unknown> =>
    json('promote', version, '--reason', 'it is the best');
  const readChampion = async () => (await store.champions.read('iris'))!;

  it('changes neither the build nor the champion, also where the gate would', async () => {
    await promote('1');
    const third = await store.records.latest('iris', 3);
    const before = [
      await store.records.listBuilds({ pipeline: 'iris', version: 3 }, refuse),
      await readChampion(),
    ];
    await drop(objectKey(output(third, 'train', 'model').md5));
    await drop(objectKey(output(third, 'gate', 'decision').md5));
    expect(await repair('3')).toMatchObject({ code: 0, problems: [], repair: { changed: [] } });
    expect([
      await store.records.listBuilds({ pipeline: 'iris', version: 3 }, refuse),
      await readChampion(),
    ]).toEqual(before);
  });

  it('of a champion works by the commands that a run prints, also if the run replaces its build', async () => {
    await promote('3');
    const third = await store.records.latest('iris', 3);
    const key = await rot(project, output(third, 'train', 'model'));
    const run = ['run', '3', '--publish', '--set', 'model.max_depth=1'] as const;
    const { promotion } = await json<{ promotion: { reason: string } }>(...run);
    const printed = [...promotion.reason.matchAll(/"npx retrain ([^"]+)"/g)];
    const commands = printed.map(([, command]) => command!.split(' '));
    expect(commands.map(([name]) => name)).toEqual(['publish', 'verify']);
    const verified = await project.client('verify', '3');
    expect(verified.stderr).toContain(`then make it again with "npx retrain verify 3 --repair`);
    for (const command of commands) await succeed(project.client(...command));
    expect(await repair('3')).toMatchObject({ code: 0, problems: [] });
    expect((await store.bucket.get(key))!.bytes.some((byte) => byte !== 0)).toBe(true);
    expect((await readChampion()).champion).toEqual({ version: 3, seq: third.seq });
  });

  it('reports what it cannot repair, and repairs the others', async () => {
    const [lost, key] = [recordKey('iris', 2, second.seq), objectKey(model1().md5)];
    const right = (await store.bucket.get(lost))!.bytes;
    await drop(lost);
    await drop(key);
    const { code, problems, repair: done } = await repair('--all');
    await store.bucket.put(lost, right, { sha256: sha256(right) });
    expect(code).toBe(1);
    expect(problems).toMatchObject([{ path: 'version record', versions: [2] }]);
    expect(done.repaired).toMatchObject([{ key }]);
    expect(done.notRepaired).toEqual([
      { version: 2, why: expect.stringContaining('restore the record from a backup') },
    ]);
    expect(await verifyVersions(store, { pipeline: 'iris', version: 1 })).toMatchObject({
      problems: [],
    });
  });
});
