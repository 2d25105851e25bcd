import { describe, expect, it } from 'vitest';
import { encoderToJson, fitEncoder } from '../../../pipeline/features/encoder.ts';
import { partToArrow } from '../../../pipeline/features/part.ts';
import { fitModel } from '../../../pipeline/models/fit-task.ts';
import type { Report } from '../../../pipeline/progress.ts';
import { memoryFiles } from '../files.ts';
import { csv, encode } from '../support.ts';

const columns = [
  { name: 'n', type: 'number' },
  { name: 'y', type: 'category' },
] as const;

/** Fits a model on the rows of a CSV file, all of which are train rows. */
async function fit(
  rows: string,
  model: { type: string; [own: string]: unknown },
  { missing = 'impute', report }: { missing?: 'impute' | 'drop'; report?: Report } = {},
) {
  const { train, counts } = encode(csv(`n,y\n${rows}`), columns, { testSize: 1e-12 });
  const encoder = encoderToJson(fitEncoder(counts, columns, 'y', { missing }).encoder);
  const parts = [partToArrow(train)];
  const files = memoryFiles();
  const input = { parts, encoder, model: { task: 'classification', ...model }, into: 'model' };
  const fitted = await fitModel(input as never, report, { files });
  return { ...fitted, stored: JSON.parse(files.text('model')) as { name: string; root: object } };
}

describe('a fit', () => {
  const rows = '1,p\n2,p\n3,q\n4,q\n5,q\n';

  it('counts its rows, beside the depth and the leaves of a tree', async () => {
    const { facts, warnings } = await fit(rows, { type: 'decision_tree' });
    expect(facts).toEqual({ rows: 5, depth: 1, leaves: 2 });
    expect(warnings).toEqual([]);
  });

  it('stores a model of the type in the params, with the hyperparameters there', async () => {
    const { facts, stored } = await fit(rows, { type: 'baseline' });
    expect(facts).toEqual({ rows: 5 });
    expect(stored.root).toMatchObject({ distribution: [[0.4, 0.6]] });
    const small = await fit(rows, { type: 'decision_tree', min_samples_leaf: 3 });
    expect(small.stored).toHaveProperty('options.minSamplesLeaf', 3);
  });

  it('reports a fifth of its progress for the rows it has read, and the rest for the model', async () => {
    const reported: number[] = [];
    const report: Report = (fraction) => void reported.push(fraction);
    await fit(rows, { type: 'decision_tree' }, { report });
    expect(reported[0]).toBe(0.2);
    expect(reported.at(-1)).toBe(1);
    expect(reported).toEqual(reported.toSorted((a, b) => a - b));
  });

  it('leaves rows with a missing cell out under drop, and is refused if no other row is left', async () => {
    const drop = { missing: 'drop' } as const;
    const { facts, warnings } = await fit(`,q\n${rows}`, { type: 'decision_tree' }, drop);
    expect(facts.rows).toBe(5);
    expect(warnings).toEqual(['1 train rows with a missing cell are left out']);
    await expect(fit(',p\n,q\n', { type: 'decision_tree' }, drop)).rejects.toThrow(
      'every train row has a missing cell and preprocess.missing is drop: set it to impute, or add data',
    );
  });
});
