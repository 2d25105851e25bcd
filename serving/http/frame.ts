import { isObject } from '../../contract/canonical-json.ts';
import { BadData } from '../../contract/failures.ts';
import { quote, quoteList } from '../../pipeline/csv/quote.ts';
import { CsvReader } from '../../pipeline/csv/reader.ts';
import type { RawColumn } from '../../pipeline/predictions/predictor.ts';
import {
  blockOf,
  type RawBlock,
  readCsvBlocks,
  refuseMissing,
} from '../../pipeline/predictions/raw-block.ts';
import { parseBody } from './json.ts';

/** The fields that hold rows, in MLflow's scoring protocol. */
const FIELDS = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const;

/** A request of MLflow's scoring protocol. */
export interface ScoringRequest {
  /**
   * Reads the rows for a model. Two models get the same rows in the same blocks.
   * @param delimiter of the model's CSV
   * @throws BadData that names the field or the line and, if there is one, the row
   */
  readonly blocks: (columns: readonly RawColumn[], delimiter: string) => Iterable<RawBlock>;
  /** Whether probabilities are wanted. */
  readonly proba: boolean;
}

/**
 * Opens the body of a request.
 * https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#inference-server-specification
 * @param type its content type
 * @throws BadData when it is JSON and not such a request
 */
export function openRequest(body: Uint8Array, type: string): ScoringRequest {
  if (/^\s*text\/csv/i.test(type))
    return { blocks: (columns, delimiter) => readCsv(body, columns, delimiter), proba: false };
  return readRequest(parseBody(body));
}

function readRequest(body: unknown): ScoringRequest {
  if (!isObject(body)) throw new BadData(`the body is not an object: ${ONE_FIELD}`);
  const given = FIELDS.filter((field) => Object.hasOwn(body, field));
  const [field] = given;
  if (field === undefined) {
    const found = Object.keys(body);
    throw new BadData(
      `the body has ${found.length === 0 ? 'no field' : `the fields ${quoteList(found)}`}: ${ONE_FIELD}`,
    );
  }
  if (given.length > 1) throw new BadData(`the body has ${given.join(' and ')}: ${ONE_FIELD}`);
  const rows = body[field];
  return {
    blocks: (columns) => {
      const block = readField(field, rows, columns);
      if (block.rows === 0) throw new BadData(`${field} has no rows: give at least one`);
      return [block];
    },
    proba: readProba(body['params']),
  };
}

const ONE_FIELD = `give an object with one of ${FIELDS.join(', ')}`;

function readProba(params: unknown): boolean {
  if (params === undefined || params === null) return false;
  if (!isObject(params)) throw new BadData('params is not an object: give {"proba": true}');
  const { proba = null } = params;
  if (proba === null) return false;
  if (typeof proba !== 'boolean') throw new BadData('params.proba is neither true nor false');
  return proba;
}

function readField(
  field: (typeof FIELDS)[number],
  value: unknown,
  columns: readonly RawColumn[],
): RawBlock {
  if (field === 'dataframe_split') return readSplit(value, columns);
  if (Array.isArray(value)) {
    if (field === 'dataframe_records' || isObject(value[0]))
      return readRecords(field, value, columns);
    // A model of one column takes a plain list, as MLflow's server does.
    const rows =
      columns.length === 1 && !Array.isArray(value[0]) ? value.map((one) => [one]) : value;
    return readLists(
      field,
      rows,
      columns.map(({ name }) => name),
      columns,
    );
  }
  if (field === 'dataframe_records' || !isObject(value))
    throw new BadData(`${field} is not a list: give a list of rows`);
  return readColumns(field, value, columns);
}

/** Reads `{columns, data, index}`. Without `columns`, the cells are in the order of the model's columns. */
function readSplit(value: unknown, columns: readonly RawColumn[]): RawBlock {
  const field = 'dataframe_split';
  if (!isObject(value)) throw new BadData(`${field} is not an object: give its columns and data`);
  const { columns: names, data, index } = value;
  const other = Object.keys(value).find((key) => !['columns', 'data', 'index'].includes(key));
  if (other !== undefined)
    throw new BadData(`${field} has the field ${quote(other)}: give columns, data and index only`);
  if (!Array.isArray(data)) throw new BadData(`${field}.data is not a list: give a list of rows`);
  if (Array.isArray(index) && index.length !== data.length)
    throw new BadData(
      `${field}.index has ${index.length} entries, and data has ${data.length} rows: leave out the index`,
    );
  if (names !== undefined && names !== null && !Array.isArray(names))
    throw new BadData(`${field}.columns is not a list: give the names of the columns`);
  const header = (names ?? columns.map(({ name }) => name)) as readonly unknown[];
  return readLists(`${field}.data`, data, header.map(String), columns);
}

/** Reads rows as lists of cells. */
function readLists(
  field: string,
  rows: readonly unknown[],
  header: readonly string[],
  columns: readonly RawColumn[],
): RawBlock {
  for (const [row, cells] of rows.entries()) {
    if (!Array.isArray(cells))
      throw new BadData(`${field}, row ${row + 1}, is not a list: give a list of cells`);
    if (cells.length !== header.length)
      throw new BadData(
        `${field}, row ${row + 1}, has ${cells.length} ${cells.length === 1 ? 'cell' : 'cells'} where there are ${header.length} columns (${quoteList(header)}): give a value for each, null where it is not known`,
      );
  }
  const places = placeColumns(field, header, columns);
  return blockOf(
    rows.length,
    (row, column) => (rows[row] as unknown[])[places.get(column) ?? -1],
    (row) => `${field}, row ${row + 1}`,
  );
}

/** Reads rows as objects. As in pandas, a value is missing if its row lacks a column that another row has. */
function readRecords(
  field: string,
  rows: readonly unknown[],
  columns: readonly RawColumn[],
): RawBlock {
  for (const [row, cells] of rows.entries())
    if (!isObject(cells))
      throw new BadData(
        `${field}, row ${row + 1}, is not an object: give the values by the names of the columns`,
      );
  const records = rows as readonly Readonly<Record<string, unknown>>[];
  const isWhole = (row: Readonly<Record<string, unknown>>): boolean =>
    columns.every(({ name }) => Object.hasOwn(row, name));
  let places: ReadonlyMap<string, string> | undefined;
  if (rows.length > 0 && !records.every(isWhole)) {
    const names = [...new Set(records.flatMap((row) => Object.keys(row)))];
    const indexes = placeColumns(field, names, columns);
    places = new Map(Array.from(indexes, ([column, index]) => [column, names[index]!]));
    // MLflow's server refuses instances whose columns have different lengths.
    const read = columns.map(({ name }) => [name, places!.get(name)!] as const);
    const lacking = field === 'instances' ? read : [];
    for (const [row, cells] of records.entries()) {
      const absent = lacking.find(([, name]) => !Object.hasOwn(cells, name));
      if (absent !== undefined)
        throw new BadData(
          `${field}, row ${row + 1}, lacks column ${quote(absent[0])}: add it, or give null where it is not known`,
        );
    }
  }
  return blockOf(
    rows.length,
    (row, column) => {
      const name = places?.get(column) ?? column;
      return Object.hasOwn(records[row]!, name) ? records[row]![name] : undefined;
    },
    (row) => `${field}, row ${row + 1}`,
  );
}

/** Reads lists of values by the names of the columns, or a row of single values. */
function readColumns(
  field: string,
  value: Readonly<Record<string, unknown>>,
  columns: readonly RawColumn[],
): RawBlock {
  const names = Object.keys(value);
  const places = placeColumns(field, names, columns);
  const given = new Map(Array.from(places, ([name, index]) => [name, value[names[index]!]]));
  const used = new Map(columns.map(({ name }) => [name, given.get(name)] as const));
  const lists = [...used.values()].filter((one) => Array.isArray(one));
  const rows = lists[0]?.length ?? 1;
  for (const [name, one] of used) {
    if (lists.length > 0 && !Array.isArray(one))
      throw new BadData(
        `${field}, column ${quote(name)}, is not a list: give a value for each row`,
      );
    if (Array.isArray(one) && one.length !== rows)
      throw new BadData(
        `${field}, column ${quote(name)}, has ${one.length} values, and column ${quote(columns[0]!.name)} has ${rows}: give a value for each row`,
      );
  }
  return blockOf(
    rows,
    (row, column) => {
      const one = given.get(column);
      return Array.isArray(one) ? (one as unknown[])[row] : one;
    },
    (row) => `${field}, row ${row + 1}`,
  );
}

/**
 * Finds columns by their names, which training has trimmed.
 * @returns the index in `names` by column, also of those that the model does not read
 * @throws BadData when a column of the model is absent, or there twice
 */
function placeColumns(
  field: string,
  names: readonly string[],
  columns: readonly RawColumn[],
): Map<string, number> {
  const exact = new Set(names);
  const given = columns.every(({ name }) => exact.has(name))
    ? names
    : names.map((name) => name.trim());
  const places = new Map<string, number>();
  const repeated = new Set<string>();
  for (const [index, name] of given.entries()) {
    if (places.has(name)) repeated.add(name);
    else places.set(name, index);
  }
  refuseMissing(columns, new Set(given), field);
  const twice = columns.find(({ name }) => repeated.has(name));
  if (twice === undefined) return places;
  throw new BadData(`${field} has column ${quote(twice.name)} more than once: remove all but one`);
}

/**
 * Reads a body of CSV, with commas or with the delimiter of the pipeline.
 * @throws BadData that names the line
 */
function readCsv(
  body: Uint8Array,
  columns: readonly RawColumn[],
  delimiter: string,
): Iterable<RawBlock> {
  // The index of a DataFrame has no name in `to_csv`. pandas reads it under this one.
  const chunks = body[0] === COMMA ? [Buffer.from('Unnamed: 0'), body] : [body];
  const open = (by: string): CsvReader => new CsvReader(chunks, 'the body', { delimiter: by });
  const byComma = open(',');
  const isComma = columns.every(({ name }) => byComma.header.includes(name));
  const reader = isComma || delimiter === ',' ? byComma : open(delimiter);
  return readCsvBlocks(
    reader,
    columns,
    () => `send it with ${delimiter === ',' ? '","' : `"," or ${JSON.stringify(delimiter)}`}`,
  );
}

const COMMA = 44;
