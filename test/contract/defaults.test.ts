import { expect, it } from 'vitest';
import {
  encodingOf,
  modelTypeOf,
  numberFormatOf,
  onDuplicateOf,
  taskOf,
} from '../../contract/defaults.ts';

it('settings of an earlier program mean what it did', () => {
  expect(numberFormatOf({})).toEqual({ decimal: '.', thousands: null });
  expect(encodingOf({})).toEqual({ dateParts: [], normaliseLabels: false });
  expect(onDuplicateOf({})).toBe('warn');
  expect(taskOf({ model: {} })).toBe('classification');
  expect(modelTypeOf({})).toBe('decision_tree');
});

it('settings that are given are taken', () => {
  expect(numberFormatOf({ decimal: ',', thousands: ' ' })).toEqual({
    decimal: ',',
    thousands: ' ',
  });
  expect(encodingOf({ date_parts: ['year'], labels: { normalise: true } })).toEqual({
    dateParts: ['year'],
    normaliseLabels: true,
  });
  expect(onDuplicateOf({ arrivals: { on_duplicate: 'quarantine' } })).toBe('quarantine');
  expect(taskOf({ model: { task: 'regression' } })).toBe('regression');
  expect(modelTypeOf({ type: 'baseline' })).toBe('baseline');
});
