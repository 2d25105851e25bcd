import { describe, expect, it } from 'vitest';
import { checkRows, checkTargets, indexClasses } from '../../../pipeline/models/train-rows.ts';
import { matrixFrom } from './trees.ts';

describe('rows to fit a model on', () => {
  it('are refused where there are none, or no column', () => {
    expect(() => checkRows(matrixFrom([], []))).toThrow(
      'there are no train rows to fit a model on: add data or lower split.test_size',
    );
    expect(() => checkRows({ rows: 2, names: [], columns: [] })).toThrow(
      'there are no feature columns to fit a model on: the data needs at least one column besides the target',
    );
  });

  it.each([NaN, Infinity, -Infinity])('are refused with %s, naming row and column', (cell) => {
    const matrix = matrixFrom(
      [
        [1, 2],
        [1, cell],
      ],
      ['p', 'q'],
    );
    expect(() => checkRows(matrix)).toThrow(
      `train row 2 has ${cell} in column "x1", and a model needs finite numbers: repair the source, or add ` +
        'the cell to data.missing_values',
    );
  });

  it.each([NaN, -Infinity, 1e200])('are refused with the target %s', (target) => {
    expect(() => checkTargets(Float64Array.of(1, target))).toThrow(
      `train row 2 has the target ${target}, and a regression needs finite numbers up to 1e+150: repair the ` +
        'source, or scale the target',
    );
  });

  it('may have targets of up to 1e150', () => {
    expect(() => checkTargets(Float64Array.of(0, 1e150, -1e150))).not.toThrow();
  });

  it('have their labels as indexes of the classes, in the small type for up to 256 of them', () => {
    expect(indexClasses(['q', 'p'], ['p', 'q'])).toEqual(Uint8Array.of(1, 0));
    const many = Array.from({ length: 257 }, (_, i) => String(i));
    expect(indexClasses(['256'], many)).toEqual(Int32Array.of(256));
    expect(indexClasses(['255'], many.slice(0, 256))).toEqual(Uint8Array.of(255));
    expect(() => indexClasses(['z'], ['p', 'q'])).toThrow(
      'label "z" is not among the encoder\'s classes "p", "q": use the encoder fitted on these rows',
    );
  });
});
