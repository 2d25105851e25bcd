import { expect, test } from 'vitest';
import { z } from 'zod';
import { describeExpected } from '../../contract/wrong-value.ts';

test.for<[z.ZodType, unknown, string]>([
  [z.number().int(), 1.5, 'expected a whole number'],
  [z.coerce.number(), 'often', 'expected a number'],
  [z.string(), 3, 'expected text'],
  [z.boolean(), 'yes', 'expected true or false'],
  [z.array(z.string()), 'a', 'expected a list'],
  [z.strictObject({}), 3, 'expected keys with values'],
  [z.record(z.string(), z.unknown()), 3, 'expected keys with values'],
  [z.enum(['retry', 'defer']), 'wait', 'expected "retry" or "defer"'],
  [z.literal(1), 2, 'expected 1'],
  [z.number().min(5), 4, 'expected at least 5'],
  [z.number().gt(0), 0, 'expected more than 0'],
  [z.number().max(5), 6, 'expected at most 5'],
  [z.number().lt(1), 1, 'expected less than 1'],
  [z.string().min(1), '', 'expected at least 1 character'],
  [z.string().max(2), 'abc', 'expected at most 2 characters'],
  [z.array(z.string()).min(2), [], 'expected at least 2 items'],
  [z.array(z.string()).max(1), ['a', 'b'], 'expected at most 1 item'],
  [
    z.record(z.string().regex(/^a$/, 'expected the letter a'), z.null()),
    { b: null },
    'expected the letter a',
  ],
  [z.url(), 'localhost', 'expected a URL'],
  [z.string().regex(/^a$/, 'expected the letter a'), 'b', 'expected the letter a'],
])('says in plain words what was expected: %#', ([schema, value, expected]) => {
  const { error } = schema.safeParse(value, { error: describeExpected });
  expect(error?.issues.map(({ message }) => message)).toEqual([expected]);
});
