import { describe, expect, it } from 'vitest';
import { readEnvBytes, readEnvNumber } from '../../contract/env.ts';

const seconds = { otherwise: 30, least: 1, most: 100, what: 'a number of seconds' };

describe('a number in the environment', () => {
  it('is the default where the variable is not set or empty', () => {
    expect(readEnvNumber({}, 'WAIT', seconds)).toBe(30);
    expect(readEnvNumber({ WAIT: ' ' }, 'WAIT', seconds)).toBe(30);
    expect(readEnvNumber({ WAIT: '2.5' }, 'WAIT', seconds)).toBe(2.5);
  });

  it.each(['0', '101', '-1', 'soon', '5s', 'NaN'])('is refused as "%s", with its range', (WAIT) => {
    expect(() => readEnvNumber({ WAIT }, 'WAIT', seconds)).toThrow(
      `WAIT is "${WAIT}": set it to a number of seconds from 1 to 100, or leave it out for 30`,
    );
  });
});

describe('a number of bytes in the environment', () => {
  it.each([
    ['8589934592', 8_589_934_592],
    ['1GB', 1e9],
    ['1 gb', 1e9],
    ['1.5GiB', 1_610_612_736],
    ['500MB', 5e8],
    ['64 kB', 64_000],
    ['10B', 10],
    ['', 7],
  ])('"%s" is %d', (SIZE, bytes) => {
    expect(readEnvBytes({ SIZE }, 'SIZE', 7)).toBe(bytes);
  });

  it.each(['0', '-1', '1 G B', '1PB', 'much', '1e9', '0.1'])('is refused as "%s"', (SIZE) => {
    expect(() => readEnvBytes({ SIZE }, 'SIZE', 7)).toThrow(
      `SIZE is "${SIZE}": set it to a number of bytes, such as 8589934592, 500MB or 8GiB, or leave it out for 7`,
    );
  });
});
