import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addColumns,
  type Column,
  findOrder,
  listFeatures,
  predictsNumbers,
  selectColumns,
  selectFeatures,
} from '../../../pipeline/batches/columns.ts';

const first: Column[] = [
  { name: 'n', type: 'number' },
  { name: 'o', type: 'ignore', open: true },
  { name: 'id', type: 'ignore' },
  { name: 'y', type: 'category' },
];

describe('the columns of a batch', () => {
  it('are those that were known when it was cut, after later batches have added and decided some', () => {
    const second = addColumns(first, [
      { name: 'o', type: 'date', since: 2 },
      { name: 'z', type: 'number', since: 2 },
    ]);
    const third = addColumns(second, [{ name: 'w', type: 'category', since: 3 }]);
    expect(third).toEqual([
      first[0],
      { name: 'o', type: 'date', since: 2, open: true },
      first[2],
      first[3],
      { name: 'z', type: 'number', since: 2 },
      { name: 'w', type: 'category', since: 3 },
    ]);
    expect([1, 2, 3, 4].map((batch) => selectColumns(third, batch))).toEqual([
      first,
      second,
      third,
      third,
    ]);
  });
});

describe('the features of a model', () => {
  it('are all columns but the target and the ignored ones, those of later batches last', () => {
    const columns: Column[] = [
      { name: 'late', type: 'number', since: 3 },
      { name: 'n', type: 'number' },
      { name: 'soon', type: 'category', since: 2 },
      { name: 'id', type: 'ignore' },
      { name: 'y', type: 'category' },
      { name: 'm', type: 'date' },
    ];
    expect(selectFeatures(columns, 'y').map(({ name }) => name)).toEqual([
      'n',
      'm',
      'soon',
      'late',
    ]);
  });

  it('have the parts of a date after the date, each once', () => {
    const columns: Column[] = [
      { name: 'day', type: 'date', since: 2 },
      { name: 'n', type: 'number' },
      { name: 'y', type: 'category' },
    ];
    const day = { type: 'date', from: 'day', since: 2 };
    const n = { name: 'n', type: 'number', from: 'n', since: undefined };
    expect(listFeatures(columns, 'y', ['month', 'hour', 'month'])).toEqual([
      n,
      { ...day, name: 'day' },
      { ...day, name: 'day.month', part: 'month' },
      { ...day, name: 'day.hour', part: 'hour' },
    ]);
    expect(listFeatures(columns, 'y', [])).toEqual([n, { ...day, name: 'day' }]);
  });

  it('cannot have a part of a date with the name of a column, the target included', () => {
    const columns: Column[] = [
      { name: 'day', type: 'date' },
      { name: 'day.year', type: 'category' },
    ];
    expect(() => listFeatures(columns, 'day.year', ['month', 'year'])).toThrow(
      expect.objectContaining({
        name: 'BadParams',
        message:
          'data.date_parts makes a feature "day.year", and the data has a column of that name: remove year from data.date_parts, or rename the column',
      }),
    );
  });
});

it('the target is a number only where the column of that name is one', () => {
  expect(predictsNumbers(first, 'n')).toBe(true);
  expect(predictsNumbers(first, 'y')).toBe(false);
  expect(predictsNumbers([{ name: 'n', type: 'number' }], 'y')).toBe(false);
});

it('the order of a header says where each known column is, and nothing where none has moved', () => {
  const names = ['a', 'b', 'c', 'd'];
  fc.assert(
    fc.property(fc.shuffledSubarray(names, { minLength: 4 }), (header) => {
      const order = findOrder(names, header);
      expect(order === undefined).toBe(header.join() === names.join());
      expect(order?.map((place) => header[place]) ?? names).toEqual(names);
    }),
  );
});
