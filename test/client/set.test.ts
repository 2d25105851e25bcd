import { describe, expect, it } from 'vitest';
import { readSet } from '../../client/set.ts';
import { paramsOf } from '../../pipeline/models/params.ts';

describe('--set', () => {
  it.each([
    ['model.max_depth=4', { model: { max_depth: 4 } }],
    ['split.key=[a, b]', { split: { key: ['a', 'b'] } }],
    ['data.columns={zip: category}', { data: { columns: { zip: 'category' } } }],
    ['data.shuffle_seed=null', { data: { shuffle_seed: null } }],
    ['data.decimal=,', { data: { decimal: ',' } }],
    ["data.thousands='", { data: { thousands: "'" } }],
    ['data.thousands=~', { data: { thousands: null } }],
    ['data.source=', { data: { source: '' } }],
    ['data.source=s3://a/b c=d', { data: { source: 's3://a/b c=d' } }],
  ])('reads %s as YAML', (text, params) => {
    expect(readSet([text])).toEqual(params);
  });

  it.each([
    'data.columns=&a {b: *a}',
    'data.columns=&a {b: &c {d: *a}}',
    'data.missing_values=[&x a, *x]',
    'model.max_depth=*x',
    'data.columns={<<: *a}',
  ])('refuses %s, naming what it may not have', (text) => {
    expect(() => readSet([text])).toThrow(/is not a plain YAML value \(it may contain no alias\)/);
  });

  it.each([
    'data.columns={? [a] : b}',
    'model.max_depth=!!js/function x',
    'data.columns=!!set {a}',
    'data.target=!!timestamp 2001-01-01',
    'data.columns={a: b',
  ])('refuses %s, and warns of nothing else', (text) => {
    expect(() => readSet([text])).toThrow(/is not a plain YAML value: quote it/);
  });

  it.each(['data.source', 'data.source=["http://me:hunter2@host"'])(
    'shows no value that may hold a password: %s',
    (text) => {
      const read = () => readSet([text.includes('=') ? text : `${text}:http://me:hunter2@host`]);
      expect(read).toThrow('--set');
      expect(read).not.toThrow(/hunter2|me:/);
    },
  );
});

describe('an unknown key in --set', () => {
  it.each([
    ['model.maxdepth=4', 'model.maxdepth is not a known key: did you mean model.max_depth? '],
    ['data.batchsize=4', 'data.batchsize is not a known key: did you mean data.batch_size?'],
    ['modle.max_depth=4', 'modle is not a known key: did you mean model?'],
    ['data.zzz=4', 'data.zzz is not a known key: check its spelling'],
  ])('in %s is refused with the known key that is most similar, if one is', (text, message) => {
    expect(() => paramsOf({}, readSet([text]))).toThrow(message);
  });
});
