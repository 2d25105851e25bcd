import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { isRunActive } from '../../client/commands/gc.ts';
import { verifyVersions } from '../../client/commands/verify/versions.ts';
import { objectKey } from '../../store/hash.ts';
import { collectGarbage } from '../../store/gc/collect.ts';
import { openStore } from '../../store/index.ts';
import { loadConfig } from '../../config/environment.ts';
import { succeed } from '../support/project.ts';
import { output, refused, withProject } from '../support/with-project.ts';

/** gc by the real command line, beside real runs. */

interface Printed {
  removed: boolean;
  kinds: { kind: string; count: number; bytes: number }[];
  givenUp: { version: number }[];
  kept: number;
  runs: string[];
}

const project = withProject('gc', { runs: [['1'], ['2']] });
const { json, store, temporal } = project;

beforeAll(() => succeed(project.client('stage', 'train', '2', '--set', 'model.max_depth=1')));

const gc = (...args: string[]): Promise<Printed> => json<Printed>('gc', ...args);

async function expectWhole(): Promise<void> {
  const { problems } = await verifyVersions(store, { pipeline: 'iris', version: undefined });
  expect(problems.map(({ path, key, why }) => ({ path, key, why }))).toEqual([]);
}

describe('gc', () => {
  it('says what it would remove, and removes nothing', async () => {
    const asked = await gc();
    expect(asked).toMatchObject({ removed: false, givenUp: [], runs: [] });
    expect(asked.kinds.map(({ kind, count }) => [kind, count])).toEqual(
      expect.arrayContaining([
        ['models', 1],
        ['cache entries', 1],
      ]),
    );
    expect(await gc()).toEqual(asked);
    const { stdout, stderr } = await succeed(project.client('gc'));
    expect(stdout).toContain('models');
    expect(stderr).toContain('add --yes to do it');
  });

  it('removes it with --yes; versions stay whole and their stages cached', async () => {
    const asked = await gc();
    const done = await gc('--yes');
    expect(done).toEqual({ ...asked, removed: true });
    expect((await gc()).kinds).toEqual([]);
    await expectWhole();
    const again = await json<{ stages: { stage: string; cached: boolean }[] }>('run', '2');
    // The gate decides again, because the version is the champion by now.
    expect(again.stages.filter(({ cached }) => !cached)).toMatchObject([{ stage: 'gate' }]);
  });

  it('gives up versions that are not kept: checkout says so, a run brings them back', async () => {
    const first = await store.records.latest('iris', 1);
    const { stderr } = await succeed(project.client('gc', '--keep-last', '1'));
    expect(stderr).toContain('version 1 of iris: artifacts not kept');
    const done = await gc('--keep-last', '1', '--yes');
    expect(done.givenUp).toMatchObject([{ version: 1 }]);
    const model = output(first, 'train', 'model');
    expect(await store.bucket.head(objectKey(model.md5))).toBeUndefined();
    const sentence = refused(await project.client('checkout', '1', '--out', 'out'));
    expect(sentence).toMatch(
      /version 1 of iris was not kept by gc on .*"npx retrain run 1 --pipeline iris"/,
    );
    refused(await project.client('dvc', 'export', '1', '--out', 'dvc-1'));
    expect(refused(await project.client('report', '1'))).toContain('was not kept by gc on');
    const list = await json<{ versions: { version: number }[] }>('list');
    expect(list.versions.map(({ version }) => version)).toEqual([1, 2]);
    await expectWhole();
    const verified = await json<{ notKept: number[] }>('verify', '--all');
    expect(verified.notKept).toEqual([1]);
    await succeed(project.client('run', '1'));
    await succeed(project.client('checkout', '1', '--out', 'out'));
    expect((await store.records.latest('iris', 1)).seq).toBe(first.seq);
    await expectWhole();
  });

  it('refuses a version to keep that is not there, in one sentence', async () => {
    const sentence = refused(await project.client('gc', '--keep', '9', '--yes'));
    expect(sentence).toContain('version 9 of iris');
  });

  it('beside runs, again and again, takes nothing that a version rests on', async () => {
    const own = openStore(loadConfig(project.folder, project.env).storage);
    const isLive = isRunActive.bind(undefined, temporal);
    const racing = { on: true };
    let removed = 0;
    const collecting = async (): Promise<void> => {
      while (racing.on) {
        try {
          const keep = { pipeline: 'iris', versions: [] };
          removed += (await collectGarbage(own, keep, { isLive })).remove.length;
        } catch (error) {
          if ((error as Error).name !== 'Conflict') throw error;
        }
        await sleep(50);
      }
    };
    const collectors = [collecting(), collecting()];
    for (const depth of ['1', '2'])
      await Promise.all([
        succeed(
          project.client(
            'run',
            '3',
            '--until',
            'preprocess',
            '--set',
            `split.test_size=0.${depth}`,
          ),
        ),
        succeed(project.client('run', '2', '--publish', '--set', `model.max_depth=${depth}`)),
      ]).then(() =>
        succeed(project.client('run', '3', '--publish', '--set', `split.test_size=0.${depth}`)),
      );
    racing.on = false;
    await Promise.all(collectors);
    removed += (await gc('--yes')).kinds.length;
    expect(removed).toBeGreaterThan(0);
    await expectWhole();
    own.bucket.close();
  });
});
