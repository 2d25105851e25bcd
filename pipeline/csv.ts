import { Buffer, isUtf8 } from 'node:buffer';
import { CsvError, parse } from 'csv-parse/sync';
import { BadData } from '../errors.ts';
import { lineOf, list, type RawTable } from './table.ts';

const CR = 13;
const LF = 10;

/**
 * Reads separated UTF-8 text, with or without byte order mark, lines ended by LF, CRLF or CR.
 * Cells are kept verbatim; column names are trimmed; blank lines at the end are left out.
 * @param file name used in errors
 * @throws BadData for anything that is not such a table, naming the file and, where there is one, the line
 */
export function parseCsv(bytes: Uint8Array, file: string, delimiter = ','): RawTable {
  refuseOtherFormats(bytes, file);
  const [header, ...rows] = parseCells(content(bytes), file, delimiter);
  if (!header) throw new BadData(`${file} is empty: it needs a header and at least one row`);
  const names = header.map((name) => name.trim());
  checkNames(names, file);
  checkLengths({ header, rows }, file);
  if (rows.length === 0) {
    throw new BadData(`${file} holds a header and no rows: add at least one row`);
  }
  return { header: names, rows };
}

/**
 * Writes the one canonical CSV of a table as UTF-8: commas, LF, a final newline, and quotes only around
 * cells that hold a quote, comma or line break, begin or end with white space, or would be a blank line.
 */
export function formatCsv(table: RawTable): Uint8Array {
  const lines = [formatRow(table.header)];
  for (const row of table.rows) lines.push(formatRow(row));
  lines.push('');
  return Buffer.from(lines.join('\n'), 'utf8');
}

function formatRow(cells: readonly string[]): string {
  if (cells.length === 1 && cells[0] === '') return '""';
  let line = '';
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i]!;
    const quoted = /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
    line += i === 0 ? quoted : `,${quoted}`;
  }
  return line;
}

/** Names what people hand over in place of CSV text, before a parser makes nonsense of it. */
function refuseOtherFormats(bytes: Uint8Array, file: string): void {
  if (startsWith(bytes, [0x1f, 0x8b])) {
    throw new BadData(`${file} is compressed: gunzip it first`);
  }
  if (startsWith(bytes, [0x50, 0x4b, 3, 4])) {
    throw new BadData(`${file} is a zip archive or a workbook: export it as CSV text first`);
  }
  if (startsWith(bytes, [0xff, 0xfe]) || startsWith(bytes, [0xfe, 0xff])) {
    throw new BadData(`${file} is UTF-16: convert it to UTF-8 first`);
  }
  const nul = bytes.indexOf(0);
  if (nul >= 0) {
    throw new BadData(
      `${file} holds a NUL byte on line ${lineAt(bytes, nul)}, so it is no text: ` +
        'save it as CSV in UTF-8',
    );
  }
  if (!isUtf8(bytes)) {
    throw new BadData(
      `${file} is not UTF-8 (first on line ${lineOfBadUtf8(bytes)}): set data.encoding to latin1 ` +
        'if that is what it is, or convert it to UTF-8',
    );
  }
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

function lineAt(bytes: Uint8Array, offset: number): number {
  let line = 1;
  for (let i = 0; i < offset; i++) if (bytes[i] === LF) line++;
  return line;
}

/** A multi-byte character never holds LF, so each line can be judged alone. */
function lineOfBadUtf8(bytes: Uint8Array): number {
  let start = 0;
  for (let line = 1; ; line++) {
    const end = bytes.indexOf(LF, start);
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
}

/** Without byte order mark and blank lines at the end, which are an editor's habit; any other blank line is an error worth seeing. */
function content(bytes: Uint8Array): Buffer {
  const start = startsWith(bytes, [0xef, 0xbb, 0xbf]) ? 3 : 0;
  let end = bytes.length;
  while (end > start && (bytes[end - 1] === LF || bytes[end - 1] === CR)) end--;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
}

function parseCells(bytes: Buffer, file: string, delimiter: string): string[][] {
  try {
    return parse(bytes, {
      delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      // Lengths are checked here, where the line a row starts on is known.
      relax_column_count: true,
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new BadData(sentenceFor(error, bytes, file), { cause: error });
  }
}

function sentenceFor(error: CsvError, bytes: Uint8Array, file: string): string {
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') {
    const line = lineAt(bytes, Number(error['bytes_records']));
    return `${file} ends inside a quoted cell of the row on line ${line}: add the closing quote`;
  }
  return (
    `${file}, line ${Number(error['lines'])}, has a quote in the middle of a cell: ` +
    'put the cell in quotes and write each quote inside it twice'
  );
}

function checkLengths(table: RawTable, file: string): void {
  const expected = table.header.length;
  const row = table.rows.findIndex((cells) => cells.length !== expected);
  if (row < 0) return;
  const line = lineOf(table, row);
  const cells = table.rows[row]!;
  if (cells.length === 1 && cells[0] === '') {
    throw new BadData(`${file}, line ${line}, is blank: remove it`);
  }
  throw new BadData(
    `${file}, line ${line}, has ${cells.length} ${cells.length === 1 ? 'cell' : 'cells'} where the ` +
      `header has ${expected}: add or remove cells, or quote those that hold a comma`,
  );
}

function checkNames(names: readonly string[], file: string): void {
  const empty = names.indexOf('');
  if (empty >= 0) {
    throw new BadData(`${file} has no name for column ${empty + 1}: name it in the header`);
  }
  if (names.includes('__proto__')) {
    throw new BadData(`${file} names a column "__proto__", which no table can hold: rename it`);
  }
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  if (twice.length > 0) {
    throw new BadData(
      `${file} names more than one column ${list([...new Set(twice)])}: rename all but one`,
    );
  }
}
