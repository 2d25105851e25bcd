import { expect, it } from 'vitest';
import { CsvReader } from '../../../pipeline/csv/reader.ts';

// In a separate file, because it reads 64 MB: npm run mutants leaves it out.
it('a row that goes on for ever is refused before memory ends', () => {
  const chunk = Buffer.alloc(1 << 20, 'x');
  function* endless(): Generator<Uint8Array> {
    yield Buffer.from('a,b\n1,2\n3,"');
    for (;;) yield chunk;
  }
  const reader = new CsvReader(endless(), 'x');
  expect(() => [...reader.blocks()]).toThrow(
    expect.objectContaining({
      name: 'BadData',
      message:
        'x: the row on line 3 goes on for more than 64 MB, as after a quote that is never closed: add the closing quote',
    }),
  );
});
