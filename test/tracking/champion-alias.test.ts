import { describe, expect, it } from 'vitest';
import { TrackingRefused, TrackingUnavailable } from '../../contract/failures.ts';
import type { Build } from '../../contract/promotion.ts';
import { storeIn } from '../../store/index.ts';
import type { Tracker } from '../../tracking/tracker.ts';
import { pointChampion } from '../../tracking/tracked-run/champion-alias.ts';
import { draftRecord } from '../store/made-records.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { makeChampion } from '../support/promotions.ts';

/** A registry of models: the alias `champion`, the versions that runs have, and how it fails. */
class Registry {
  alias: string | null | undefined = null;
  sets: string[] = [];
  lost = new Set<string>();
  deleted = new Set<string>();
  /** Called before the alias is read, and before it is set. */
  beforeGet: () => Promise<void> = async () => undefined;
  beforeSet: () => Promise<void> = async () => undefined;

  readonly tracker = {
    uri: 'http://mlflow',
    place: () => 'http://mlflow',
    hasRun: async (run: string) => !this.lost.has(run),
    getAlias: async () => {
      await this.beforeGet();
      return this.alias;
    },
    setAlias: async ({ version }: { version: string }) => {
      await this.beforeSet();
      if (this.deleted.has(version)) return false;
      this.sets.push(version);
      this.alias = version;
      return true;
    },
  } as unknown as Tracker;
}

async function open(versions: number[]) {
  const store = storeIn(new MemoryBucket());
  const registry = new Registry();
  for (const version of versions) {
    const attempt = `attempt ${version}`;
    await store.records.publish(draftRecord({ version, build: `b${version}`, attempt }));
    await store.attempts.swap('p', attempt, () => ({
      schema: 1,
      pipeline: 'p',
      batch: version,
      attempt,
      claimed_at: 0,
      owner: 'o',
      owned_at: 0,
      tracking_uri: 'http://mlflow',
      experiment_id: '1',
      run_id: `run ${version}`,
      model_id: 'm',
      model_name: 'model p',
      model_version: registry.alias === undefined ? null : `${version}0`,
      logged: {},
      scored_at: {},
    }));
  }
  const crown = (one: Build): Promise<void> => makeChampion(store, 'p', one);
  const point = () => pointChampion({ store, tracker: registry.tracker, experimentName: 'e' }, 'p');
  return { store, registry, crown, point };
}

const build = (version: number): Build => ({ version, seq: 1 });

describe('the alias of the champion', () => {
  it('is set once, without a warning, and stays', async () => {
    const { registry, crown, point } = await open([1]);
    expect(await point()).toEqual({ alias: 'none', warnings: [] });
    await crown(build(1));
    expect(await point()).toEqual({ alias: 'set', warnings: [] });
    expect(await point()).toEqual({ alias: 'set', warnings: [] });
    expect(registry.sets).toEqual(['10']);
  });

  it('that was moved or deleted by hand is repaired, with a warning', async () => {
    const { registry, crown, point } = await open([1]);
    await crown(build(1));
    await point();
    registry.alias = '70';
    expect(await point()).toEqual({
      alias: 'set',
      warnings: [
        'the alias champion of model p was moved by hand to version 70: it points at version 10, the champion, again',
      ],
    });
    registry.alias = null;
    expect((await point()).warnings).toEqual([
      'the alias champion of model p was deleted by hand: it points at version 10, the champion, again',
    ]);
    expect(registry.alias).toBe('10');
  });

  it('follows a champion that changes while it is set, without a warning', async () => {
    const { registry, crown, point } = await open([1, 2]);
    await crown(build(1));
    let isFirst = true;
    registry.beforeSet = async () => {
      if (isFirst) await crown(build(2));
      isFirst = false;
    };
    expect(await point()).toEqual({ alias: 'set', warnings: [] });
    expect(registry.sets).toEqual(['10', '20']);
  });

  it('is left as it is where another process has just moved it to the next champion', async () => {
    const { store, registry, crown, point } = await open([1, 2]);
    await crown(build(1));
    await point();
    let isFirst = true;
    registry.beforeGet = async () => {
      if (!isFirst) return;
      isFirst = false;
      await crown(build(2));
      registry.alias = '20';
      await store.champions.noteAlias('p', build(2));
    };
    expect(await point()).toEqual({ alias: 'set', warnings: [] });
    expect(registry.sets).toEqual(['10']);
  });

  it('is not set where the server has lost the run: its numbers are of other models', async () => {
    const { registry, crown, point } = await open([1]);
    await crown(build(1));
    await point();
    registry.alias = null;
    registry.lost.add('run 1');
    expect(await point()).toEqual({
      alias: 'later',
      warnings: [
        'the champion, build 1.1, is not logged at http://mlflow, so the alias champion is missing there: log it with "npx retrain log --all --pipeline p"',
      ],
    });
    expect(registry.alias).toBeNull();
  });

  it('waits for the model to be registered again where its version was deleted', async () => {
    const { registry, crown, point } = await open([1]);
    await crown(build(1));
    registry.deleted.add('10');
    expect(await point()).toEqual({
      alias: 'later',
      warnings: [
        'version 10 of model p, of the champion, build 1.1, was deleted by hand, so the alias champion cannot point at it: register it again with "npx retrain log 1 --pipeline p"',
      ],
    });
  });

  it('is missing without a registry, and comes later where the champion is not logged', async () => {
    const { store, registry, crown, point } = await open([1]);
    await crown(build(1));
    registry.alias = undefined;
    expect(await point()).toEqual({ alias: 'missing', warnings: [] });
    registry.alias = null;
    await store.attempts.swap('p', 'attempt 1', (attempt) => ({
      ...attempt!,
      tracking_uri: 'http://other',
    }));
    expect(await point()).toEqual({ alias: 'later', warnings: [] });
  });

  it('that the registry refuses is a warning, and a server that is away is a failure', async () => {
    const { registry, crown, point } = await open([1]);
    await crown(build(1));
    registry.beforeSet = async () => {
      throw new TrackingRefused('MLflow answered 403');
    };
    expect(await point()).toEqual({
      alias: 'refused',
      warnings: ['the alias champion was not set: MLflow answered 403'],
    });
    registry.beforeSet = async () => {
      throw new TrackingUnavailable('MLflow does not answer');
    };
    await expect(point()).rejects.toThrow('MLflow does not answer');
  });
});
