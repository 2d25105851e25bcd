import { Buffer, isUtf8 } from 'node:buffer';
import { BadData } from '../../contract/failures.ts';
import { MOST_COLUMNS, type Fault } from './scan.ts';
import { quoteList, quote } from './quote.ts';

const CR = 13;
const LF = 10;

/** Usual delimiters, the most likely first. */
const USUAL = [';', '\t', ',', '|'];

/**
 * Refuses files that are not CSV text, such as archives, before they are parsed.
 * @param bytes the first four bytes of the file, or fewer if the file is shorter
 */
export function refuseOtherFormats(bytes: Uint8Array, file: string): void {
  if (startsWith(bytes, [0x1f, 0x8b])) {
    throw new BadData(`${file} is compressed: gunzip it first`);
  }
  if (startsWith(bytes, [0x50, 0x4b, 3, 4])) {
    throw new BadData(`${file} is a zip archive or a workbook: export it as CSV text first`);
  }
  if (startsWith(bytes, [0xff, 0xfe]) || startsWith(bytes, [0xfe, 0xff])) {
    throw new BadData(`${file} is UTF-16: convert it to UTF-8 first`);
  }
}

/** Whether bytes begin with the byte order mark of UTF-8. */
export function hasByteOrderMark(bytes: Uint8Array): boolean {
  return startsWith(bytes, [0xef, 0xbb, 0xbf]);
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

/** Whether bytes are UTF-8 without a NUL byte. They must not end in the middle of a character. */
export function isText(bytes: Uint8Array): boolean {
  return isUtf8(bytes) && bytes.indexOf(0) < 0;
}

/**
 * Returns the error for a row that is not text.
 * @param line the line on which the row starts
 */
export function makeTextError(row: Uint8Array, line: number, file: string): BadData {
  const nul = row.indexOf(0);
  if (nul >= 0) {
    return new BadData(
      `${file} holds a NUL byte on line ${line + countLineBreaks(row.subarray(0, nul))}, so it is not text: ` +
        'save it as CSV in UTF-8',
    );
  }
  return new BadData(
    `${file} is not UTF-8 (first on line ${line + countLineBreaks(row.subarray(0, findBadUtf8(row)))}): convert it to UTF-8, ` +
      'or, if it is Latin-1 and no batch of the pipeline has been cut yet, set data.encoding to latin1',
  );
}

/**
 * Finds the start of the first line that is not UTF-8. A multi-byte character never contains a line break, so each
 * line can be checked alone.
 */
function findBadUtf8(row: Uint8Array): number {
  let start = 0;
  for (;;) {
    let end = start;
    while (end < row.length && row[end] !== LF && row[end] !== CR) end++;
    if (end === row.length || !isUtf8(row.subarray(start, end))) return start;
    start = end + 1;
  }
}

function countLineBreaks(bytes: Uint8Array): number {
  return (
    Buffer.from(bytes)
      .toString('latin1')
      .match(/\r\n|\n|\r/g)?.length ?? 0
  );
}

/** Returns the error for a row that does not fit the table. */
export function makeFaultError({ kind, line, cells }: Fault, width: number, file: string): BadData {
  if (kind === 'unclosed') {
    return new BadData(
      `${file} ends inside a quoted cell of the row on line ${line}: add the closing quote`,
    );
  }
  if (kind === 'quote') {
    return new BadData(
      `${file}, line ${line}, has a quote in the middle of a cell: ` +
        'put the cell in quotes and write each quote inside it twice',
    );
  }
  if (kind === 'wide') {
    return new BadData(
      `${file} has more than ${MOST_COLUMNS} columns: leave out those that are not needed, or check that its header is on a separate line and that data.delimiter is right`,
    );
  }
  if (kind === 'blank') {
    return width === 0
      ? new BadData(`${file} has no name for column 1: name it in the header`)
      : new BadData(`${file}, line ${line}, is blank: remove it`);
  }
  return new BadData(
    `${file}, line ${line}, has ${cells} ${cells === 1 ? 'cell' : 'cells'} where the ` +
      `header has ${width}: add or remove cells, or quote those that contain the delimiter`,
  );
}

/** Checks that every column has a name, and that no two have the same. */
export function checkNames(names: readonly string[], file: string): void {
  const empty = names.indexOf('');
  if (empty >= 0) {
    throw new BadData(`${file} has no name for column ${empty + 1}: name it in the header`);
  }
  if (names.includes('__proto__')) {
    throw new BadData(`${file} names a column "__proto__", which no table can hold: rename it`);
  }
  const [seen, twice] = [new Set<string>(), new Set<string>()];
  for (const name of names) (seen.has(name) ? twice : seen).add(name);
  if (twice.size > 0) {
    throw new BadData(
      `${file} has more than one column named ${quoteList([...twice])}: rename all but one`,
    );
  }
}

/** Returns the usual delimiter that a header contains, if any. */
export function guessDelimiter(header: string): string | undefined {
  return USUAL.find((one) => header.includes(one));
}

/**
 * Checks that a table's header contains the delimiter. Without it the table has a single column, and errors about
 * its rows would mislead.
 * @param isFrozen whether the pipeline has batches, so that the delimiter cannot be set any more
 * @throws BadData naming the delimiter that the header seems to use
 */
export function checkDelimiter(
  bytes: Uint8Array,
  file: string,
  delimiter: string,
  { isFrozen = false } = {},
): void {
  const [header = ''] = Buffer.from(bytes.subarray(0, 65_536))
    .toString('utf8')
    .split(/[\r\n]/, 1);
  if (header.includes(delimiter)) return;
  const other = guessDelimiter(header);
  if (other === undefined) return;
  throw new BadData(
    `${file} has a single column, ${quote(header)}, when it is split at ${JSON.stringify(delimiter)}: ${isFrozen ? `its delimiter seems to be ${JSON.stringify(other)}; save it with ${JSON.stringify(delimiter)}, as the batches before it` : `set data.delimiter to ${JSON.stringify(other)}`}`,
  );
}
