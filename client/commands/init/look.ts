import { readSync, openSync, closeSync } from 'node:fs';
import { localFiles } from '../../../compute/local-files.ts';
import type { Config } from '../../../config/environment.ts';
import { MISSING_VALUES, type Task } from '../../../contract/defaults.ts';
import { byCodePoint } from '../../../contract/codepoints.ts';
import { BadData, BadParams } from '../../../contract/failures.ts';
import { findSimilarName } from '../../../contract/params.ts';
import type { Column } from '../../../pipeline/batches/columns.ts';
import { inspectRaw } from '../../../pipeline/batches/raw-tasks.ts';
import { CellRule, readCellSettings, type CellSettings } from '../../../pipeline/csv/cells.ts';
import { CsvReader, readCell } from '../../../pipeline/csv/reader.ts';
import { openFolder } from '../../../sources/arrivals/folder.ts';
import { kindOf } from '../../../sources/identity.ts';
import { withSourceText } from '../../../sources/source-text.ts';
import type { Encoding } from '../../../sources/text.ts';

/** What a file says about the pipeline that it could become. */
export interface Findings {
  delimiter: string;
  encoding: Encoding;
  decimal: '.' | ',';
  task: Task;
  columns: Column[];
  rows: number;
  /** The labels of a classification, the most frequent first; empty for a regression. */
  labels: { label: string; rows: number }[];
  warnings: string[];
  /** The number of its files, each of which is a batch; undefined for a table. */
  files: number | undefined;
}

/**
 * A target with fewer different whole numbers than this is a classification. scikit-learn treats all whole numbers as
 * classes.
 */
const MOST_CLASSES = 20;

const DELIMITERS = [',', ';', '\t', '|'];

/** Bytes in which the header is looked for. */
const HEADER = 1 << 16;

/**
 * Reads a source, or the first file of a folder, to its end. Finds its delimiter, its encoding, the types of its
 * columns and, from the target, the task.
 * @param asked.task overrides the task that the target suggests
 * @throws BadData when the source cannot be read or used
 * @throws BadParams when it has no such target
 */
export async function lookAtSource(
  config: Config,
  source: string,
  asked: { target: string | undefined; task: Task | undefined },
): Promise<Findings> {
  const files = kindOf(source) === 'folder' ? await listFolder(source) : undefined;
  const table = files === undefined ? source : `${source}${files[0]}`;
  const read = (encoding: Encoding): Promise<Findings> => {
    const { sources, scratch } = config;
    const place = { ...sources, scratch, root: process.cwd(), confined: false, encoding };
    return withSourceText(table, place, async (text) => ({
      ...lookAtText(text!.file, { ...asked, encoding, name: table }),
      files: files?.length,
    }));
  };
  try {
    return await read('utf-8');
  } catch (error) {
    if (!(error instanceof BadData) || !error.message.includes('UTF-8')) throw error;
    return read('latin1');
  }
}

/** The names of the files of a folder, in the order in which they become batches. */
async function listFolder(where: string): Promise<string[]> {
  const { files } = await openFolder({ where, path: where }).list();
  if (files.length === 0)
    throw new BadData(`${where} has no file yet: put the first one there, with a header`);
  return files.map(({ name }) => name).sort(byCodePoint);
}

function lookAtText(
  path: string,
  asked: {
    target: string | undefined;
    task: Task | undefined;
    encoding: Encoding;
    name: string;
  },
): Omit<Findings, 'files'> {
  const { name } = asked;
  const delimiter = findDelimiter(path);
  const open = (): CsvReader => new CsvReader(localFiles.read(path), name, { delimiter });
  const target = requireTarget(open().header, asked);
  const inspect = (decimal: '.' | ',', task: Task) =>
    inspectRaw(
      {
        path,
        file: name,
        delimiter,
        target,
        cells: readCellSettings({ missing_values: MISSING_VALUES, decimal }),
        declared: {},
        task,
      },
      undefined,
      { files: localFiles },
    );
  const numbers = (columns: readonly Column[]): number =>
    columns.filter(({ type }) => type === 'number').length;
  const point = inspect('.', 'classification');
  const comma = delimiter === ',' ? undefined : inspect(',', 'classification');
  const decimal =
    comma !== undefined && numbers(comma.columns) > numbers(point.columns) ? ',' : '.';
  const cells = readCellSettings({ missing_values: MISSING_VALUES, decimal });
  const { labels, ...counted } = countLabels(open(), target, cells);
  const task = asked.task ?? counted.task;
  const found =
    task === 'classification' ? (decimal === ',' ? comma! : point) : inspect(decimal, task);
  const { columns, rows, warnings } = found;
  return {
    delimiter,
    encoding: asked.encoding,
    decimal,
    task,
    columns,
    rows,
    labels: task === 'regression' ? [] : labels,
    warnings,
  };
}

/** Finds the common delimiter that occurs most often in the first line, outside quotes. */
function findDelimiter(path: string): string {
  const bytes = Buffer.alloc(HEADER);
  const file = openSync(path, 'r');
  const length = readSync(file, bytes, 0, HEADER, 0);
  closeSync(file);
  const line = bytes
    .toString('latin1', 0, length)
    .split(/[\r\n]/)[0]!
    .replaceAll(/"[^"]*"/g, '');
  const count = (delimiter: string): number => line.split(delimiter).length;
  return DELIMITERS.reduce((best, other) => (count(other) > count(best) ? other : best));
}

function requireTarget(
  header: readonly string[],
  { target, name }: { target: string | undefined; name: string },
): string {
  const columns = `${name} has the columns ${header.join(', ')}`;
  if (target === undefined)
    throw new BadParams(`--target is missing: name the column to predict. ${columns}`);
  if (header.includes(target)) return target;
  const similar = findSimilarName(target, header);
  throw new BadParams(
    `column ${JSON.stringify(target)} is not in ${name}: ${similar === undefined ? columns : `did you mean ${similar}?`}`,
  );
}

/** Counts the labels, and infers the task: fractions, or many whole numbers, mean a regression. */
function countLabels(
  reader: CsvReader,
  target: string,
  settings: CellSettings,
): { labels: Findings['labels']; task: Task } {
  const rule = new CellRule(settings);
  const column = reader.header.indexOf(target);
  const counts = new Map<string, number>();
  let areNumbers = true;
  let areWhole = true;
  for (const block of reader.blocks())
    for (let row = 0; row < block.rows; row++) {
      const cell = readCell(block, row * reader.header.length + column);
      const word = rule.readWord(cell);
      if (word === null) continue;
      const number = rule.readNumber(cell);
      areNumbers &&= typeof number === 'number';
      areWhole &&= Number.isInteger(number);
      if (counts.size < 1_000 || counts.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  const isRegression = areNumbers && (!areWhole || counts.size > MOST_CLASSES);
  return {
    labels: [...counts].map(([label, rows]) => ({ label, rows })).sort((a, b) => b.rows - a.rows),
    task: isRegression ? 'regression' : 'classification',
  };
}
