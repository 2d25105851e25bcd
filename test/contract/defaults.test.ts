import { expect, it } from 'vitest';
import {
  readEncoding,
  modelTypeOf,
  readGate,
  readNumberFormat,
  readOnDuplicate,
  taskOf,
} from '../../contract/defaults.ts';
import { paramsShape } from '../../contract/params.ts';

it('settings of an earlier program mean what it did', () => {
  expect(readNumberFormat({})).toEqual({ decimal: '.', thousands: null });
  expect(readEncoding({})).toEqual({ dateParts: [], normaliseLabels: false });
  expect(readOnDuplicate({})).toBe('warn');
  expect(taskOf({ model: {} })).toBe('classification');
  expect(modelTypeOf({})).toBe('decision_tree');
});

it('a run of an earlier program has the default gate', () => {
  expect(readGate({})).toEqual(paramsShape.parse({}).gate);
});

it('settings that are given are taken', () => {
  expect(readNumberFormat({ decimal: ',', thousands: ' ' })).toEqual({
    decimal: ',',
    thousands: ' ',
  });
  expect(readEncoding({ date_parts: ['year'], labels: { normalise: true } })).toEqual({
    dateParts: ['year'],
    normaliseLabels: true,
  });
  expect(readOnDuplicate({ arrivals: { on_duplicate: 'quarantine' } })).toBe('quarantine');
  expect(taskOf({ model: { task: 'regression' } })).toBe('regression');
  expect(modelTypeOf({ type: 'baseline' })).toBe('baseline');
});
