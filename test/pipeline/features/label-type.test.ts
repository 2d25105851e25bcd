import { expect, it } from 'vitest';
import { findLabelType, type LabelType, toLabel } from '../../../pipeline/features/label-type.ts';

it.each<[readonly string[] | undefined, LabelType, unknown[]]>([
  [undefined, 'double', []],
  [['TRUE', 'false'], 'boolean', [true, false]],
  [['true', 'untrue'], 'string', ['true', 'untrue']],
  [['false', 'falsehood'], 'string', ['false', 'falsehood']],
  [['-7', '+08'], 'long', [-7, 8]],
  [['9007199254740991', '9007199254740993'], 'long', [9007199254740991, 9007199254740993n]],
  [['-9223372036854775808', '0'], 'long', [-9223372036854775808n, 0]],
  // One more than 64 bits hold.
  [['9223372036854775808', '0'], 'double', [9223372036854775808, 0]],
  [[`1${'0'.repeat(40)}`], 'double', [1e40]],
  [['1', '1.5', '-0.0'], 'double', [1, 1.5, 0]],
  [['1', 'x1'], 'string', ['1', 'x1']],
  [['1', '1x'], 'string', ['1', '1x']],
  [['1', '0x10'], 'string', ['1', '0x10']],
])('the labels %j are of type %s', (classes, type, labels) => {
  expect(findLabelType({ classes })).toBe(type);
  expect((classes ?? []).map((word) => toLabel(word, type))).toEqual(labels);
});
