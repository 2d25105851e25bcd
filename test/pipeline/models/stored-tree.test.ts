import { describe, expect, it } from 'vitest';
import { loadTree } from '../../../pipeline/models/stored-tree.ts';
import { upTo } from './trees.ts';

const options = { kind: 'regression' };
const leaf = (distribution: number) => ({ kind: 'regression', distribution });
const step = {
  kind: 'regression',
  splitColumn: 0,
  splitValue: 4500,
  gain: 1,
  numberSamples: 9000,
  left: leaf(1),
  right: leaf(2),
};

function loadNumbers(root: object, more = {}) {
  const json = Buffer.from(JSON.stringify({ name: 'DTRegression', options, root, ...more }));
  const stored = { size: json.length, read: () => [json] };
  return loadTree('A tree', stored, 'regression', 'the model');
}

describe('a stored tree', () => {
  it('predicts each of more rows than ml-cart receives at once', () => {
    for (const rows of [4096, 9000]) {
      const columns = [Float64Array.from(upTo(rows))];
      const wanted = Float64Array.from(upTo(rows), (row) => (row < 4500 ? 1 : 2));
      expect(loadNumbers(step).predict({ rows, columns })).toEqual({ numbers: wanted });
    }
  });

  it('of a regression has the importance that is stored with it, and else none', () => {
    expect(loadNumbers(step, { importance: [0.75, 0.25] }).importance(2)).toEqual([0.75, 0.25]);
    expect(loadNumbers(step).importance(2)).toBeNull();
  });

  it('is described by its depth and its leaves', () => {
    expect(loadNumbers(leaf(1)).describe()).toEqual({
      text: 'A tree of depth 0 with 1 leaf',
      facts: { depth: 0, leaves: 1 },
    });
    expect(loadNumbers(step).describe().text).toBe('A tree of depth 1 with 2 leaves');
  });

  it('whose bytes cannot be read is not called wrong', () => {
    const failure = new Error('EIO: i/o error, read');
    const read = (): never => {
      throw failure;
    };
    const load = () => loadTree('A tree', { size: 1, read }, 'regression', 'the model');
    expect(load).toThrow(failure);
  });
});
