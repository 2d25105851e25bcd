import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, isObject } from '../../contract/canonical-json.ts';
import { byCodePoint } from '../../contract/codepoints.ts';

describe('the order by code point', () => {
  it('is the order of the UTF-8 bytes, for any two texts', () => {
    const letter = fc.constantFrom(
      'a',
      'b',
      'é',
      '\ud7ff',
      '\ue000',
      '\uffff',
      '😀',
      '😁',
      '\u{10ffff}',
    );
    const text = fc.array(letter, { maxLength: 4 }).map((letters) => letters.join(''));
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(byCodePoint(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 1000 },
    );
  });

  it('counts every surrogate, from the first to the last, as part of a pair', () => {
    for (const half of ['\ud800', '\udfff']) {
      expect(byCodePoint(half, '\uffff')).toBeGreaterThan(0);
      expect(byCodePoint('\uffff', half)).toBeLessThan(0);
    }
    expect(byCodePoint('\ud7ff', '\ue000')).toBeLessThan(0);
    expect(byCodePoint('\udc00', '\udc01')).toBeLessThan(0);
  });
});

describe('canonical JSON', () => {
  it('has the keys of every object in order, however deep, and no white space', () => {
    const value = { b: [1, { z: null, y: 'x' }], a: { '\uffff': 1, '😀': 2, c: undefined } };
    expect(canonicalJson(value)).toBe('{"a":{"\uffff":1,"😀":2},"b":[1,{"y":"x","z":null}]}');
  });

  it('keeps the order of lists, whichever of their items are objects', () => {
    expect(canonicalJson([3, 1, 2])).toBe('[3,1,2]');
    expect(canonicalJson([3, { b: 1, a: 2 }, 1, { d: 1, c: 2 }])).toBe(
      '[3,{"a":2,"b":1},1,{"c":2,"d":1}]',
    );
    expect(canonicalJson([[{ b: 1, a: 2 }], []])).toBe('[[{"a":2,"b":1}],[]]');
  });

  it('writes what an object says of itself, in order too', () => {
    expect(canonicalJson({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
    expect(canonicalJson({ toJSON: () => ({ b: 1, a: 2 }) })).toBe('{"a":2,"b":1}');
    expect(canonicalJson({ toJSON: 1, a: 2 })).toBe('{"a":2,"toJSON":1}');
  });

  it('is the same text for equal values, in whatever order they were built', () => {
    const record = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(record, (value) => {
        const reversed = Object.fromEntries(Object.entries(value).toReversed());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('leaves the value as it was', () => {
    const value = { b: [{ d: 1, c: 2 }], a: 1 };
    canonicalJson(value);
    expect(Object.keys(value)).toEqual(['b', 'a']);
    expect(Object.keys(value.b[0]!)).toEqual(['d', 'c']);
  });
});

it('an object of JSON is no list, no null and no word', () => {
  expect([{}, { a: 1 }].map(isObject)).toEqual([true, true]);
  expect([[], null, undefined, 'x', 1].map(isObject)).toEqual([false, false, false, false, false]);
});
