import { describe, expect, it } from 'vitest';
import { findTextFault } from '../../contract/person.ts';

const NAME = 'expected the name of a person of 1 to 100 characters';
const REASON = 'expected a text of 1 to 1000 characters';

describe('the name of a person who decides', () => {
  it.each(['ann', 'Ann Müller', 'x'.repeat(100), 'דנה'])('%j is recorded as it is', (name) => {
    expect(findTextFault('by', name)).toBeUndefined();
  });

  it.each([undefined, null, 7, '', '  ', 'x'.repeat(101)])('is refused where it is %j', (name) => {
    expect(findTextFault('by', name)).toBe(NAME);
  });

  it.each([
    ['ann\nbob', '\\u000a'],
    ['ann\tbob', '\\u0009'],
    ['\u001b[31mann\u001b[0m', '\\u001b'],
    ['ann\u202ebob\u0007', '\\u202e, \\u0007'],
  ])('%j is refused, and each control character is named once', (name, named) => {
    expect(findTextFault('by', name)).toBe(`${NAME} without control characters: it has ${named}`);
  });
});

describe('the reason for a decision', () => {
  it.each(['checked', 'two\nlines\tand a tab', 'x'.repeat(1_000)])('%j is recorded', (reason) => {
    expect(findTextFault('reason', reason)).toBeUndefined();
  });

  it('is refused where it is empty, too long, or may change a terminal', () => {
    expect(findTextFault('reason', ' \n')).toBe(REASON);
    expect(findTextFault('reason', 'x'.repeat(1_001))).toBe(REASON);
    expect(findTextFault('reason', 'ok\u0000')).toBe(
      `${REASON} without control characters: it has \\u0000`,
    );
  });
});
