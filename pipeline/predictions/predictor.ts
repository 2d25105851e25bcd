import type { Task } from '../../contract/defaults.ts';
import { type Cell, CellRule, type CellSettings } from '../csv/cells.ts';
import { findLabelType, type Label, type LabelType, toLabel } from '../features/label-type.ts';
import { taskOfEncoder } from '../features/encoder.ts';
import { type Model, toProbabilities } from '../models/estimator.ts';
import { openParts, type StoredParts } from '../models/estimators.ts';
import { type FeatureReader, openReaders, UNREADABLE } from './feature-reader.ts';

/** The stored parts of a model that predicts from raw rows. */
export interface PredictorParts extends StoredParts {
  readonly cells: CellSettings;
  /** Whether a word that no train row has makes a row unreadable (`data.on_new_category: fail`). */
  readonly rejectsUnseen: boolean;
}

/** A column that the model reads. */
export interface RawColumn {
  readonly name: string;
  readonly type: FeatureReader['type'];
}

/** A cell that its column cannot hold. */
export interface Unreadable {
  /** The row of the call, from 0. */
  readonly row: number;
  readonly column: RawColumn;
}

/** The predictions for some rows. Rows that cannot be read have the prediction null, and no shares. */
export interface RowPredictions {
  readonly predictions: readonly (Label | null)[];
  /** The share of each class in the order of `classes`, by row; absent for a regression. */
  readonly shares?: readonly (readonly number[] | null)[];
  /** The first unreadable cell of each such row. */
  readonly unreadable: readonly Unreadable[];
}

/** Reads the value of one feature of one row by its reader: `readText` or `readValue`. */
type ReadCell = (reader: FeatureReader, row: number) => number;

/** Predicts from raw rows: reads them as training does, encodes them, and asks the model. */
export class Predictor {
  readonly task: Task;
  /** The classes in the order of shares; undefined for a regression. */
  readonly classes: readonly Label[] | undefined;
  /** The classes as the data writes them. */
  readonly words: readonly string[] | undefined;
  readonly labelType: LabelType;
  /** The column that the model predicts. */
  readonly target: string;
  /** The columns that the model reads, each once. */
  readonly columns: readonly RawColumn[];
  readonly #readers: readonly FeatureReader[];
  /** One reader of each column. */
  readonly #byColumn: ReadonlyMap<string, FeatureReader>;
  readonly #model: Model;

  /** @throws BadData when the parts are not those of a model */
  constructor({ cells, rejectsUnseen, ...parts }: PredictorParts) {
    const { model, encoder } = openParts(parts, { forUse: true });
    this.#model = model;
    this.labelType = findLabelType(encoder);
    this.task = taskOfEncoder(encoder);
    this.target = encoder.target;
    this.words = encoder.classes;
    this.classes = encoder.classes?.map((word) => toLabel(word, this.labelType));
    this.#readers = openReaders(encoder, new CellRule(cells), rejectsUnseen);
    this.#byColumn = new Map(this.#readers.map((reader) => [reader.column, reader]));
    this.columns = Array.from(this.#byColumn.values(), ({ column, type: columnType }) => ({
      name: column,
      type: columnType,
    }));
  }

  /** The words that were read and that no train row has, by column. */
  get unseen(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    const withWords = this.#readers.filter(({ unseen }) => unseen.size > 0);
    return new Map(withWords.map(({ column, unseen }) => [column, unseen]));
  }

  /** The label of a prediction as the data writes it. */
  findWord(label: Label): string {
    return this.words?.[this.classes!.indexOf(label)] ?? String(label);
  }

  /** Reads a value of a column without encoding it, see {@link FeatureReader.readCell}. */
  readCell(column: string, value: unknown): Cell {
    return this.#byColumn.get(column)!.readCell(value);
  }

  /**
   * Predicts rows.
   * @param rows the number of rows
   * @param read reads a cell; it is called for each row of a feature before the next feature
   */
  predict(rows: number, read: ReadCell): RowPredictions {
    const first = new Map<number, RawColumn>();
    const columns = this.#readers.map((reader) => {
      const values = new Float64Array(rows);
      for (let row = 0; row < rows; row++) {
        const value = read(reader, row);
        values[row] = value;
        if (value === UNREADABLE && !first.has(row))
          first.set(row, { name: reader.column, type: reader.type });
      }
      return values;
    });
    const unreadable = Array.from(first, ([row, column]) => ({ row, column })).sort(
      (a, b) => a.row - b.row,
    );
    const prediction = this.#model.predict({ rows, columns });
    if ('numbers' in prediction) {
      const predictions: (Label | null)[] = Array.from(prediction.numbers);
      for (const { row } of unreadable) predictions[row] = null;
      return { predictions, unreadable };
    }
    const classes = this.classes!;
    const predictions: (Label | null)[] = Array.from(
      prediction.classes,
      (index) => classes[index]!,
    );
    const shares: (readonly number[] | null)[] = prediction.shares!.map((leaf) =>
      this.#toShares(leaf),
    );
    for (const { row } of unreadable) predictions[row] = shares[row] = null;
    return { predictions, shares, unreadable };
  }

  readonly #shares = new Map<readonly number[], readonly number[]>();

  #toShares(leaf: readonly number[]): readonly number[] {
    let shares = this.#shares.get(leaf);
    if (shares === undefined) {
      shares = toProbabilities(leaf, this.classes!.length);
      this.#shares.set(leaf, shares);
    }
    return shares;
  }
}
