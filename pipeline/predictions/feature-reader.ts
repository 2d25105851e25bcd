import type { Cell, CellRule } from '../csv/cells.ts';
import { findDatePart, parseDate, toDays } from '../csv/dates.ts';
import {
  type CategoryFeature,
  codeWords,
  type DateFeature,
  type Encoder,
  type NumberFeature,
} from '../features/encoder.ts';

/** A reader returns this for a value that its column cannot hold. */
export const UNREADABLE = Infinity;

/** Reads a raw value of one feature as training reads and encodes it. */
export interface FeatureReader {
  /** The raw column. */
  readonly column: string;
  readonly type: 'number' | 'category' | 'date';
  /** Encodes a cell of a text file; {@link UNREADABLE} if it is not a value of the column. */
  readText(cell: string): number;
  /** Encodes a value of JSON or Parquet, or of a program; null and undefined are missing. */
  readValue(value: unknown): number;
  /**
   * Reads a value without encoding it, to the same cell from CSV and from JSON: a number, a word as training has it, or a
   * date as the input writes it; null if the value is missing, or if the column cannot hold it.
   */
  readCell(value: unknown): Cell;
  /** The words read so far that no train row has, and how often each was read. At most 100 are kept. */
  readonly unseen: ReadonlyMap<string, number>;
}

/**
 * Makes the readers of an encoder's features, in its order.
 * @param rejectsUnseen whether a word that no train row has is unreadable
 */
export function openReaders(
  encoder: Encoder,
  rule: CellRule,
  rejectsUnseen: boolean,
): FeatureReader[] {
  return encoder.features.map((feature) => {
    if (feature.type === 'category') return new WordReader(feature, encoder, rule, rejectsUnseen);
    return feature.type === 'date'
      ? new DateReader(feature, rule)
      : new NumberReader(feature, rule);
  });
}

const NONE: ReadonlyMap<string, number> = new Map();

class NumberReader implements FeatureReader {
  readonly type = 'number';
  readonly column: string;
  readonly unseen = NONE;
  readonly #rule: CellRule;
  readonly #missing: number;

  constructor({ name, median }: NumberFeature, rule: CellRule) {
    this.column = name;
    this.#rule = rule;
    this.#missing = median;
  }

  readText(cell: string): number {
    return this.#encode(this.#rule.readNumber(cell));
  }

  readValue(value: unknown): number {
    return this.#encode(this.#readNumber(value));
  }

  readCell(value: unknown): Cell {
    return this.#readNumber(value) ?? null;
  }

  #encode(number: number | null | undefined): number {
    return number === undefined ? UNREADABLE : (number ?? this.#missing);
  }

  /** @returns null for a missing number; undefined for a value that is no number */
  #readNumber(value: unknown): number | null | undefined {
    if (typeof value === 'string') return this.#rule.readNumber(value);
    if (value === null || value === undefined) return null;
    if (typeof value !== 'number' && typeof value !== 'bigint') return undefined;
    const number = Number(value);
    if (Number.isNaN(number)) return null;
    if (!Number.isFinite(number)) return undefined;
    return this.#rule.isMissingNumber(number) ? null : number + 0;
  }
}

class DateReader implements FeatureReader {
  readonly type = 'date';
  readonly column: string;
  readonly unseen = NONE;
  readonly #rule: CellRule;
  readonly #feature: DateFeature;

  constructor(feature: DateFeature, rule: CellRule) {
    this.column = feature.from ?? feature.name;
    this.#rule = rule;
    this.#feature = feature;
  }

  readText(cell: string): number {
    const days = this.#rule.readDate(cell);
    return days === undefined ? UNREADABLE : this.#encode(days);
  }

  readValue(value: unknown): number {
    if (typeof value === 'string') return this.readText(value);
    if (value === null || value === undefined) return this.#encode(null);
    if (!(value instanceof Date)) return UNREADABLE;
    const days = toDays(value);
    return this.#encode(Number.isNaN(days) ? null : days);
  }

  readCell(value: unknown): Cell {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
    return typeof value === 'string' ? this.#rule.readWord(value) : null;
  }

  #encode(days: number | null): number {
    const { median, part } = this.#feature;
    if (days === null) return median;
    return part === undefined ? days : findDatePart(days, part);
  }
}

const MOST_UNSEEN = 100;

class WordReader implements FeatureReader {
  readonly type = 'category';
  readonly column: string;
  readonly unseen = new Map<string, number>();
  readonly #rule: CellRule;
  readonly #codes: ReadonlyMap<string, number>;
  readonly #missing: number;
  readonly #other: number;
  #values: ReadonlyMap<unknown, string> | undefined;
  #times: ReadonlyMap<number | null, string> | undefined;

  constructor(feature: CategoryFeature, encoder: Encoder, rule: CellRule, rejectsUnseen: boolean) {
    const { codes, missing, other } = codeWords(feature, encoder);
    this.column = feature.name;
    this.#rule = rule;
    this.#codes = codes;
    this.#missing = missing;
    this.#other = rejectsUnseen ? UNREADABLE : other;
  }

  readText(cell: string): number {
    return this.#encode(this.#rule.readWord(cell));
  }

  readValue(value: unknown): number {
    const word = this.#readWord(value);
    return word === undefined ? UNREADABLE : this.#encode(word);
  }

  readCell(value: unknown): Cell {
    return this.#readWord(value) ?? null;
  }

  #encode(word: string | null): number {
    if (word === null) return this.#missing;
    const code = this.#codes.get(word);
    if (code !== undefined) return code;
    const times = this.unseen.get(word) ?? 0;
    if (times > 0 || this.unseen.size < MOST_UNSEEN) this.unseen.set(word, times + 1);
    return this.#other;
  }

  /**
   * A value that is not text is the word that has this value: 7 is "7", or "7.0", and true is "TRUE".
   * @returns null for a missing word; undefined for a value that cannot be a word
   */
  #readWord(value: unknown): string | null | undefined {
    if (value === null || value === undefined) return null;
    if (typeof value === 'string') return this.#rule.readWord(value);
    if (value instanceof Date) return this.#readDate(value);
    if (typeof value === 'boolean')
      return this.#rule.readWord(this.#findWord(value) ?? String(value));
    if (typeof value !== 'number' && typeof value !== 'bigint') return undefined;
    if (Number.isNaN(value)) return null;
    const exact = String(value);
    const word = this.#codes.has(exact) ? exact : (this.#findWord(Number(value)) ?? exact);
    return this.#rule.readWord(word);
  }

  /**
   * A date is the word of that time, at midnight also the word of that day; of several words the last one in
   * code-point order.
   */
  #readDate(value: Date): string | null {
    if (Number.isNaN(value.getTime())) return null;
    this.#times ??= new Map([...this.#codes.keys()].map((word) => [parseDate(word), word]));
    return this.#rule.readWord(this.#times.get(toDays(value)) ?? value.toISOString());
  }

  #findWord(value: boolean | number): string | undefined {
    this.#values ??= this.#listValues();
    return this.#values.get(value);
  }

  /**
   * Of several spellings of a boolean the first one in code-point order is taken; of a number the shortest, and among
   * these the last one. tracking/pyfunc/cells.py takes the same.
   */
  #listValues(): Map<unknown, string> {
    const words = [...this.#codes.keys()];
    const booleans = words
      .filter((word) => /^(?:true|false)$/i.test(word))
      .reverse()
      .map((word) => [word.toLowerCase() === 'true', word] as const);
    const numbers = words
      .sort((a, b) => b.length - a.length)
      .map((word) => [this.#rule.readNumber(word), word] as const);
    return new Map<unknown, string>([...booleans, ...numbers]);
  }
}
