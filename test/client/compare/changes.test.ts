import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareArtifacts } from '../../../client/commands/diff/document.ts';
import { compareBatches } from '../../../client/commands/diff/document.ts';
import { compareDocuments } from '../../../client/compare/changes.ts';
import { flatten } from '../../../client/compare/changes.ts';
import { refOf } from '../../../store/hash.ts';

const value = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
  fc.boolean(),
  fc.constant(null),
  fc.string(),
  fc.array(fc.string(), { maxLength: 2 }),
);
const name = fc.constantFrom('a', 'b', 'c', 'max_depth');
const documents = fc.dictionary(name, fc.oneof(value, fc.dictionary(name, value)));

const ref = (path: string, text: string) => refOf(path, Buffer.from(text));
const stages = fc
  .dictionary(fc.constantFrom('merge_data', 'train', 'prepare_batch'), fc.dictionary(name, name))
  .map((outputs) =>
    Object.entries(outputs).map(([stage, named]) => ({
      stage,
      outputs: Object.fromEntries(
        Object.entries(named).map(([key, text]) => [key, ref(`${stage}/${key}`, text)]),
      ),
    })),
  );
const batches = fc.array(
  name.map((text) => ({ rows: text.length, ref: ref('batch.csv', text) })),
  { maxLength: 4 },
);

describe('compareDocuments', () => {
  it('finds nothing between a document and itself', () => {
    fc.assert(
      fc.property(documents, (document) => {
        expect(compareDocuments(document, structuredClone(document))).toEqual({});
      }),
    );
  });

  it('swaps and negates with its sides', () => {
    fc.assert(
      fc.property(documents, documents, (a, b) => {
        const there = compareDocuments(a, b);
        const back = compareDocuments(b, a);
        expect(Object.keys(back)).toEqual(Object.keys(there));
        for (const [key, { old, new: now, diff }] of Object.entries(there))
          expect(back[key]).toEqual({
            old: now,
            new: old,
            ...(diff === undefined ? {} : { diff: 0 - diff }),
          });
      }),
    );
  });

  it('names exactly the values that differ', () => {
    fc.assert(
      fc.property(documents, documents, (a, b) => {
        const named = Object.keys(compareDocuments(a, b));
        const [left, right] = [flatten(a), flatten(b)];
        for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
          const same = JSON.stringify(left[key] ?? null) === JSON.stringify(right[key] ?? null);
          expect(named.includes(key)).toBe(!same);
        }
      }),
    );
  });
});

describe('compareArtifacts and compareBatches', () => {
  it('find nothing between a build and itself, and swap with their sides', () => {
    fc.assert(
      fc.property(stages, stages, batches, batches, (a, b, c, d) => {
        expect(compareArtifacts(a, a)).toEqual([]);
        expect(compareBatches(c, c)).toEqual([]);
        const swapped = (changes: { old: unknown; new: unknown }[]): unknown[] =>
          changes.map((change) => ({ ...change, old: change.new, new: change.old }));
        const inOrder = (changes: unknown[]): string[] =>
          changes
            .map((change) => JSON.stringify(change, ['stage', 'name', 'old', 'new', 'md5']))
            .sort();
        expect(inOrder(compareArtifacts(b, a))).toEqual(inOrder(swapped(compareArtifacts(a, b))));
        expect(compareBatches(d, c)).toEqual(swapped(compareBatches(c, d)));
      }),
    );
  });

  it('see one artifact under the paths of two versions, and none that only moved', () => {
    const before = [
      { stage: 'train', outputs: { model: ref('models/batch_1/model.json', 'one') } },
    ];
    const moved = [{ stage: 'train', outputs: { model: ref('models/batch_2/model.json', 'one') } }];
    const other = [{ stage: 'train', outputs: { model: ref('models/batch_2/model.json', 'two') } }];
    expect(compareArtifacts(before, moved)).toEqual([]);
    expect(compareArtifacts(before, other)).toMatchObject([
      { old: { path: 'models/batch_1/model.json' }, new: { path: 'models/batch_2/model.json' } },
    ]);
  });
});
