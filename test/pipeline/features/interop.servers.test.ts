import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromArrow } from 'arquero';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partToArrow } from '../../../pipeline/features/part.ts';
import { cellsOf, encode, mixed, mixedColumns } from '../support.ts';

const rows = [
  ['1', '1.50', '-1e-300', 'a', 'p'],
  ['2', '', '1.7976931348623157e308', ' b', 'q'],
  ['3', '0.1', 'NA', '?', 'q'],
  ['4', '123456789.123456', '-0', '😀', 'é'],
  ['5', '-7', '3', 'say "hi", twice', '__proto__'],
];
const { train, test: empty } = encode(mixed(rows), mixedColumns, { testSize: 1e-12 });
/** So many rows that what is in a buffer is aligned and padded in more than one way. */
const long = encode(
  mixed(Array.from({ length: 1001 }, (_, i) => ['0', `${i / 7}`, '', `w${i % 97}`, `c${i % 3}`])),
  mixedColumns,
).train;

describe.each([
  ['with missing cells, awkward words and large numbers', train],
  ['of a thousand rows', long],
  ['without rows', empty],
])('an encoded part %s', (_, part) => {
  const expected = cellsOf(part);
  let folder: string;
  let found: Record<string, ReturnType<typeof cellsOf>>;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'retrain part '));
    const file = join(folder, 'part.arrow');
    writeFileSync(file, partToArrow(part));
    const python = join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin', 'python');
    const script = fileURLToPath(new URL('./read_parts.py', import.meta.url));
    found = JSON.parse(execFileSync(python, [script, file], { encoding: 'utf8' })) as typeof found;
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(['pandas', 'pyarrow', 'polars', 'duckdb'])('holds the same for %s', (library) => {
    expect(found[library]).toEqual(expected);
  });

  it('holds the same for arquero', () => {
    const table = fromArrow(partToArrow(part));
    expect(table.columnNames()).toEqual(Object.keys(expected));
    for (const [name, cells] of Object.entries(expected)) {
      expect([...(table.array(name) as Iterable<unknown>)]).toEqual(cells);
    }
  });
});
