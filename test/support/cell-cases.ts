import { readFileSync } from 'node:fs';
import type { DatePart } from '../../contract/defaults.ts';
import type { CellSettings } from '../../pipeline/csv/cells.ts';

/** The cases of the rule of cells, which TypeScript and Python are tested with. */
export interface CellCases {
  settings: CellSettings;
  /** A cell, and what it holds in a column of numbers and in a column of words. Null is a missing word. */
  cells: [cell: string, number: number | 'missing' | 'not a number', word: string | null][];
  /** Classes, and the type that pandas gives a column of them. */
  labels: [classes: string[], type: string][];
  /** Other settings, and what cells hold in a column of numbers under them. */
  formats: [settings: CellSettings, cells: [cell: string, number: number | string][]][];
  /** A cell, and what it holds in a column of dates: days. */
  dates: [cell: string, days: number | string][];
  date_parts: [cell: string, parts: Partial<Record<DatePart, number>>][];
}

export function readCellCases(): CellCases {
  const file = new URL('../fixtures/cells.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as CellCases;
}
