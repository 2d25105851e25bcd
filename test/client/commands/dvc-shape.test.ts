import { describe, expect, it } from 'vitest';
import {
  formatDvcTable,
  compareMetrics,
  compareParams,
} from '../../../client/commands/diff/dvc-shape.ts';
import { roundToFive, formatPython } from '../../../client/compare/python-text.ts';

/** What DVC 3.67.1 printed for these files in two commits of a repository. */

const metrics = {
  old: JSON.parse(
    '{"a":0.015625,"b":1,"c":0.5,"d":1e-7,"e":0.1,"same":1,"m":{"l":[[3,0],[1,2.5]],"x":2},"s":"w","n":3,"z":12345678.123456789,"neg":0.3}',
  ) as unknown,
  new: JSON.parse(
    '{"a":0.046875,"b":0.8571428571428571,"c":1.5,"d":3e-5,"e":0.1000001,"same":1,"m":{"l":[[3,0],[1,3]],"x":3},"s":"v","z":1e22,"neg":0.1}',
  ) as unknown,
};
const params = {
  old: {
    data: { missing_values: ['', 'NA', "it's"], columns: {}, shuffle_seed: null, share: 0.1 },
    model: { max_depth: 5, k: 1 },
  },
  new: {
    data: {
      missing_values: ['x', 1, 2.5, null, true],
      columns: { zip: 'category' },
      shuffle_seed: 7,
      share: 0.30000000000000004,
    },
    model: { max_depth: 4 },
  },
};

const path = 'metrics/batch_2.json';

describe('metrics diff', () => {
  it('prints the table DVC prints', () => {
    const diff = compareMetrics(metrics.old, { path, metrics: metrics.new });
    expect(formatDvcTable(diff, { title: 'Metric', revisions: ['HEAD~1', 'HEAD'] })).toBe(
      `Path                  Metric    HEAD~1          HEAD     Change
metrics/batch_2.json  a         0.01562         0.04688  0.03125
metrics/batch_2.json  b         1               0.85714  -0.14286
metrics/batch_2.json  c         0.5             1.5      1.0
metrics/batch_2.json  d         0.0             3e-05    3e-05
metrics/batch_2.json  e         0.1             0.1      0.0
metrics/batch_2.json  m.x       2               3        1
metrics/batch_2.json  n         3               -        -
metrics/batch_2.json  neg       0.3             0.1      -0.2
metrics/batch_2.json  s         w               v        -
metrics/batch_2.json  z         12345678.12346  1e+22    9.999999999999987e+21`,
    );
  });

  it('prints the JSON DVC prints', () => {
    expect(compareMetrics(metrics.old, { path, metrics: metrics.new })).toEqual({
      [path]: {
        a: { old: 0.015625, new: 0.046875, diff: 0.03125 },
        b: { old: 1, new: 0.8571428571428571, diff: -0.1428571428571429 },
        c: { old: 0.5, new: 1.5, diff: 1 },
        d: { old: 1e-7, new: 3e-5, diff: 2.9900000000000002e-5 },
        e: { old: 0.1, new: 0.1000001, diff: 9.999999998899778e-8 },
        'm.x': { old: 2, new: 3, diff: 1 },
        n: { old: 3, new: null },
        neg: { old: 0.3, new: 0.1, diff: -0.19999999999999998 },
        s: { old: 'w', new: 'v' },
        z: { old: 12345678.123456789, new: 1e22, diff: 9.999999999999987e21 },
      },
    });
  });

  it('prints nothing, and an empty document, where nothing differs', () => {
    const diff = compareMetrics(metrics.old, { path, metrics: metrics.old });
    expect(diff).toEqual({});
    expect(formatDvcTable(diff, { title: 'Metric', revisions: ['1', '1'] })).toBe('');
  });
});

describe('params diff', () => {
  it('prints the table DVC prints', () => {
    const diff = compareParams(params.old, params.new);
    expect(formatDvcTable(diff, { title: 'Param', revisions: ['HEAD~1', 'HEAD'] })).toBe(
      `Path         Param                HEAD~1              HEAD
params.yaml  data.columns.zip     -                   category
params.yaml  data.missing_values  ['', 'NA', "it's"]  ['x', 1, 2.5, None, True]
params.yaml  data.share           0.1                 0.30000000000000004
params.yaml  data.shuffle_seed    -                   7
params.yaml  model.k              1                   -
params.yaml  model.max_depth      5                   4`,
    );
  });

  it('prints the JSON DVC prints', () => {
    expect(compareParams(params.old, params.new)).toEqual({
      'params.yaml': {
        'data.columns.zip': { old: null, new: 'category' },
        'data.missing_values': { old: `['', 'NA', "it's"]`, new: "['x', 1, 2.5, None, True]" },
        'data.share': { old: 0.1, new: 0.30000000000000004, diff: 0.20000000000000004 },
        'data.shuffle_seed': { old: null, new: 7 },
        'model.k': { old: 1, new: null },
        'model.max_depth': { old: 5, new: 4, diff: -1 },
      },
    });
  });
});

describe('numbers as Python prints them', () => {
  it.each([
    [0.015625, 0.01562],
    [0.046875, 0.04688],
    [-0.015625, -0.01562],
    [0.9999999, 1],
    [2.5, 2.5],
    [1e22, 1e22],
  ])('rounds %d to %d', (value, rounded) => {
    expect(roundToFive(value)).toBe(rounded);
  });

  it.each([
    [1e16, '1e+16'],
    [123456789012345680, '1.2345678901234568e+17'],
    [0.0001, '0.0001'],
    [9e-5, '9e-05'],
    [-1e-7, '-1e-07'],
    [1.5e300, '1.5e+300'],
    [100, '100.0'],
    [-0, '-0.0'],
  ])('prints the float %d as %s', (value, text) => {
    expect(formatPython(value, true)).toBe(text);
  });
});
