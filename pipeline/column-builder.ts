import { byCodePoint } from './codepoints.ts';
import type { NumberColumn, WordColumn } from './part.ts';
import type { WordTable } from './word-table.ts';

/** Gathers the numbers of one column, NaN where the cell is missing. */
export class NumberBuilder {
  #values = new Float64Array(1024);
  #rows = 0;

  push(value: number): void {
    if (this.#rows === this.#values.length) this.#values = grown(this.#values, Float64Array);
    this.#values[this.#rows++] = value;
  }

  column(name: string): NumberColumn {
    return { name, type: 'number', values: this.#values.slice(0, this.#rows) };
  }
}

/** Gathers the words of one column, as numbers of a table that other columns may share; -1 where the cell is missing. */
export class WordBuilder {
  #codes = new Int32Array(1024);
  #rows = 0;

  push(code: number): void {
    if (this.#rows === this.#codes.length) this.#codes = grown(this.#codes, Int32Array);
    this.#codes[this.#rows++] = code;
  }

  /** The column with a dictionary of its own: its words alone, in code-point order. */
  column(name: string, table: WordTable): WordColumn {
    const met = this.#codes.subarray(0, this.#rows);
    const occurs = new Uint8Array(table.size);
    for (const code of met) if (code >= 0) occurs[code] = 1;
    const known: { word: string; code: number }[] = [];
    for (let code = 0; code < table.size; code++)
      if (occurs[code] === 1) known.push({ word: table.word(code), code });
    known.sort((a, b) => byCodePoint(a.word, b.word));
    const place = new Int32Array(table.size);
    known.forEach(({ code }, i) => (place[code] = i));
    const codes = met.map((code) => (code < 0 ? -1 : place[code]!));
    return { name, type: 'category', words: known.map(({ word }) => word), codes };
  }
}

function grown<Numbers extends Float64Array | Int32Array>(
  numbers: Numbers,
  Kind: new (length: number) => Numbers,
): Numbers {
  const more = new Kind(2 * numbers.length);
  more.set(numbers);
  return more;
}
