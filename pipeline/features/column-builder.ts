import type { BlockColumn } from '../csv/block-column.ts';
import { byCodePoint } from '../../contract/codepoints.ts';
import type { NumberColumn, PartColumn, WordColumn } from './part.ts';
import type { WordTable } from '../csv/word-table.ts';

/** Gathers the cells of one column that belong to one side of the split. */
export class ColumnBuilder {
  readonly #column: BlockColumn;
  #cells: Float64Array | Int32Array;
  #rows = 0;

  constructor(column: BlockColumn) {
    this.#column = column;
    this.#cells = column.isNumber ? new Float64Array(1024) : new Int32Array(1024);
  }

  /** How many there are so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Takes the first `count` of `rows`, indexes of rows of the block at hand. */
  take(rows: Int32Array, count: number): void {
    if (this.#rows + count > this.#cells.length) this.#grow(this.#rows + count);
    const { isNumber, values, codes } = this.#column;
    if (isNumber) gather(values, rows, count, this.#cells, this.#rows);
    else gatherCodes(codes, rows, count, this.#cells, this.#rows);
    this.#rows += count;
  }

  /** What has been gathered; a column of words has a dictionary of its own: its words alone, in code-point order. */
  column(): PartColumn {
    const { name, isNumber, words } = this.#column;
    const cells = this.#cells.slice(0, this.#rows);
    return isNumber
      ? ({ name, type: 'number', values: cells as Float64Array } satisfies NumberColumn)
      : wordColumn(name, cells as Int32Array, words);
  }

  #grow(rows: number): void {
    const more = new (this.#column.isNumber ? Float64Array : Int32Array)(2 * rows);
    more.set(this.#cells);
    this.#cells = more;
  }
}

type Cells = Float64Array | Int32Array;

function gather(from: Float64Array, rows: Int32Array, count: number, to: Cells, at: number): void {
  for (let i = 0; i < count; i++) to[at + i] = from[rows[i]!]!;
}

/** The same, apart, for a loop over arrays of one kind is faster than one over two. */
function gatherCodes(
  from: Int32Array,
  rows: Int32Array,
  count: number,
  to: Cells,
  at: number,
): void {
  for (let i = 0; i < count; i++) to[at + i] = from[rows[i]!]!;
}

/** Turns codes of a table that other columns share into those of the words that occur. */
function wordColumn(name: string, codes: Int32Array, table: WordTable): WordColumn {
  const occurs = new Uint8Array(table.size);
  for (let row = 0; row < codes.length; row++) if (codes[row]! >= 0) occurs[codes[row]!] = 1;
  const known: { word: string; code: number }[] = [];
  for (let code = 0; code < table.size; code++) {
    if (occurs[code] === 1) known.push({ word: table.word(code), code });
  }
  known.sort((a, b) => byCodePoint(a.word, b.word));
  const place = new Int32Array(table.size);
  known.forEach(({ code }, i) => (place[code] = i));
  for (let row = 0; row < codes.length; row++) {
    if (codes[row]! >= 0) codes[row] = place[codes[row]!]!;
  }
  return { name, type: 'category', words: known.map(({ word }) => word), codes };
}
