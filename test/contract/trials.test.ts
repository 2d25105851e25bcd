import { expect, it } from 'vitest';
import { makeRunsLink, makeTemporalLink } from '../../contract/links.ts';
import {
  flattenParams,
  formatParam,
  formatTrialParams,
  listChangedParams,
} from '../../contract/trials.ts';

it('params have dotted names, and a list or a table of types is one value', () => {
  expect(
    flattenParams({ data: { columns: { a: 'number' }, key: ['k'] }, model: {}, x: [1] }),
  ).toEqual({
    'data.columns': { a: 'number' },
    'data.key': ['k'],
    x: [1],
  });
});

it('a trial differs in the params that have another value, whatever their order', () => {
  const plain = { model: { depth: 5, gain: 0, seed: null }, data: { columns: { a: 1, b: 2 } } };
  const own = {
    data: { columns: { b: 2, a: 1 } },
    model: { gain: 0.5, depth: 5, seed: null, leaf: 3 },
  };
  expect(listChangedParams(plain, own)).toEqual({ 'model.gain': 0.5, 'model.leaf': 3 });
  expect(listChangedParams(plain, plain)).toEqual({});
  // A param that is null is as one that is not given.
  expect(listChangedParams({ model: {} }, { model: { seed: null } })).toEqual({});
  expect(listChangedParams({ model: { seed: 1 } }, { model: { seed: null } })).toEqual({
    'model.seed': null,
  });
});

it('the params of a trial are written as after --set', () => {
  expect(formatTrialParams({ 'model.depth': 1, 'model.type': 'a b', 'split.key': ['k'] })).toBe(
    'model.depth=1, model.type=a b, split.key=["k"]',
  );
  expect([null, undefined, true, 0].map(formatParam)).toEqual(['null', 'null', 'true', '0']);
});

it('links to the Web UI escape names, with or without a slash at its end', () => {
  for (const webUi of ['http://h:8233', 'http://h:8233/']) {
    const place = { webUi, namespace: 'a/b' };
    expect(makeTemporalLink(place, { workflowId: 'p batch', runId: 'r' })).toBe(
      'http://h:8233/namespaces/a%2Fb/workflows/p%20batch/r/history',
    );
    expect(makeRunsLink(place, 'p')).toBe(
      'http://h:8233/namespaces/a%2Fb/workflows?query=WorkflowId%20STARTS_WITH%20%22p-batch-%22',
    );
  }
});
