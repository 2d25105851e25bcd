import { expect, it } from 'vitest';
import { meterLine } from '../../client/meter.ts';

it.each([
  [{ done: 0, total: 0 }, 'removing …'],
  [{ done: 0, total: 4_000_000 }, 'removing  0 B of 4.0 MB'],
  [{ done: 1_000_000, total: 4_000_000 }, 'removing  1.0 MB of 4.0 MB, 500.0 kB/s, 6.0 s to go'],
  [{ done: 1_000_000, total: 0 }, 'removing  1.0 MB, 500.0 kB/s'],
])('after two seconds, %j is shown as "%s"', (bytes, line) => {
  expect(meterLine('removing', { ...bytes, elapsed: 2_000 })).toBe(line);
});
