import { describe, expect, it } from 'vitest';
import { compareIdentities, type Identity } from '../../../client/compare/identity.ts';
import { describeOrigins, findOrigin, describeReasons } from '../../../client/origin.ts';
import { paramsSchema } from '../../../pipeline/models/params.ts';
import { refOf } from '../../../store/hash.ts';

const sections = paramsSchema.parse({});
const train = refOf('data/processed/train/', Buffer.from('one'));

const identity: Identity = {
  code: 1,
  params: { model: { max_depth: 5 }, target: 'species' },
  libraries: { 'ml-cart': '2.1.1', '@uwdata/flechette': '2.6.0' },
  inputs: { train },
};

describe('compareIdentities', () => {
  it('names the champion if it is another, and not what that changes', () => {
    const ofGate = (version: number | null): Identity => ({
      code: 1,
      params: {
        champion: version === null ? null : { version, seq: 1, type: `type ${version}` },
        rule: 'not_worse',
      },
      libraries: {},
      inputs: version === null ? {} : { championModel: refOf('m', Buffer.from(`${version}`)) },
    });
    const why = (before: number | null, after: number | null): string =>
      describeReasons(compareIdentities(ofGate(before), ofGate(after), {}));
    expect(why(2, 3)).toBe('the champion is build 3.1 now');
    expect(why(null, 3)).toBe('the champion is build 3.1 now');
    expect(why(3, null)).toBe('there is no champion now');
    expect(why(3, 3)).toBe('');
  });

  it('says in words that a champion cannot be scored, and that it can be again', () => {
    const ofGate = (version: number, unusable?: string): Identity => ({
      code: 1,
      params: {
        champion: { version, seq: 1 },
        ...(unusable === undefined ? {} : { unusable }),
      },
      libraries: {},
      inputs: {},
    });
    const why = (before: Identity, after: Identity): string =>
      describeReasons(compareIdentities(before, after, {}));
    const lost = ofGate(3, 'its model is damaged: repair it');
    expect(why(ofGate(3), lost)).toBe('the champion cannot be scored now');
    expect(why(lost, ofGate(3))).toBe('the champion can be scored again');
    expect(why(lost, ofGate(4))).toBe('the champion is build 4.1 now');
    expect(why(lost, lost)).toBe('');
  });

  it('says in words that an amended batch is a separate file, and that it is not any more', () => {
    const cut = (params: Record<string, unknown>): Identity => ({ ...identity, params });
    const table = cut({ target: 'species', batch_size: 50, shuffle_seed: 42 });
    const file = cut({ target: 'species', missing_values: [''], on_new_column: 'adapt' });
    const why = (before: Identity, after: Identity): string =>
      describeReasons(compareIdentities(before, after, sections));
    expect(why(table, file)).toBe('the batch is a separate file now, and not rows of a table');
    expect(why(file, table)).toBe('the batch is cut from the table now, and not a separate file');
    const smaller = cut({ ...table.params, batch_size: 40 });
    expect(why(table, smaller)).toBe('data.batch_size 50 → 40');
    expect(why(table, { ...file, params: { ...file.params, target: 'y' } })).toMatch(
      /; data\.target species → y$/,
    );
  });

  it('finds nothing between a run and itself', () => {
    expect(compareIdentities(identity, structuredClone(identity), sections)).toEqual([]);
  });

  it('names params as params.yaml does, inputs by path, code and libraries', () => {
    const other = refOf('data/processed/train/', Buffer.from('two'));
    const after: Identity = {
      code: 2,
      params: { model: { max_depth: 3 }, target: 'quality' },
      libraries: { 'ml-cart': '2.1.1', '@uwdata/flechette': '2.7.0' },
      inputs: { train: other },
    };
    const differences = compareIdentities(identity, after, sections);
    expect(differences).toEqual([
      { kind: 'param', name: 'data.target', old: 'species', new: 'quality' },
      { kind: 'param', name: 'model.max_depth', old: 5, new: 3 },
      { kind: 'input', name: 'data/processed/train/', old: train.md5, new: other.md5 },
      { kind: 'code', name: 'version', old: 1, new: 2 },
      { kind: 'library', name: '@uwdata/flechette', old: '2.6.0', new: '2.7.0' },
    ]);
    expect(describeReasons(differences.slice(0, 2))).toBe(
      'data.target species → quality; model.max_depth 5 → 3',
    );
    expect(describeReasons(differences)).toMatch(/; and 2 more$/);
  });

  it('says nothing of an input that is not known yet', () => {
    expect(compareIdentities(identity, { ...identity, inputs: {} }, sections)).toEqual([]);
  });
});

describe('where a stage comes from', () => {
  const ran = {
    stage: 'train',
    key: 'k',
    ...identity,
    producer: { workflow_id: 'iris-batch-1', run_id: 'r1' },
    started_at: '2026-01-02T03:04:05.678Z',
    duration_ms: 1,
    outputs: {},
    facts: {},
    warnings: [],
  };
  const line = (cached: boolean): string[] =>
    describeOrigins(
      [{ stage: 'train', ...findOrigin(ran, { cached, previous: undefined }) }],
      'r2',
    );

  it('is shown for a stage taken from another run, and not for a first build', () => {
    expect(line(true)).toEqual(['train          from iris-batch-1, 2026-01-02 03:04 UTC']);
    expect(line(false)).toEqual([]);
  });

  it('is not shown for a stage that the same run made before', () => {
    const origin = findOrigin(ran, { cached: true, previous: undefined });
    expect(describeOrigins([{ stage: 'train', ...origin }], 'r1')).toEqual([]);
  });
});
