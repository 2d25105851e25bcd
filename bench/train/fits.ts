/** Fits one table several times in its own process and prints the time of each fit as JSON. */
import { DecisionTreeClassifier, DecisionTreeRegression } from 'ml-cart';
import { openHelpers } from '../../compute/helpers.ts';
import { fitClassesTogether, fitNumbersTogether } from '../../pipeline/models/cart/fit.ts';
import { isWorthHelp } from '../../pipeline/models/cart/together.ts';
import { took, type Took } from '../measure.ts';
import { readTable, type Table } from '../tree-data.ts';

export interface FitsJob {
  /** A file written by `writeTable`. */
  readonly file: string;
  readonly rows: number;
  readonly width: number;
  readonly kind: 'classes' | 'numbers';
  /** Our trainer on one thread or on two, or ml-cart's trainer. */
  readonly fitter: 'one' | 'two' | 'ml_cart';
  readonly repeats: number;
  /** Fewest rows of a leaf. */
  readonly minLeaf: number;
  /** Null for no limit. */
  readonly maxDepth: number | null;
  /** The number of classes of the table. */
  readonly classes: number;
}

/** Null if a second thread is not worth it. */
export interface FitsAnswer {
  readonly took: Took[] | null;
}

const job = JSON.parse(process.argv[2]!) as FitsJob;
const { file, rows, width, kind, fitter, repeats, minLeaf } = job;
const params = {
  max_depth: job.maxDepth ?? Infinity,
  min_samples_split: 2,
  min_samples_leaf: minLeaf,
  min_gain: 0,
};
const table = readTable(file, rows, width);
const helpers = openHelpers(fitter === 'two' ? 1 : 0);
const isWorthIt = fitter !== 'two' || isWorthHelp(helpers, rows, width);
const answer: FitsAnswer = { took: isWorthIt ? await fitAll() : null };
await helpers.close();
process.stdout.write(JSON.stringify(answer));

async function fitAll(): Promise<Took[]> {
  const all: Took[] = [];
  for (let i = 0; i < repeats; i++)
    all.push(await took(() => (fitter === 'ml_cart' ? fitMlCart(table) : fitOurs(table))));
  return all;
}

function fitOurs({ columns, classes, numbers }: Table): unknown {
  return kind === 'classes'
    ? fitClassesTogether(columns, classes, job.classes, params, helpers)
    : fitNumbersTogether(columns, numbers, params, helpers);
}

function fitMlCart({ columns, classes, numbers }: Table): void {
  const matrix = Array.from({ length: rows }, (_, row) => columns.map((column) => column[row]!));
  const options = { minNumSamples: 1, maxDepth: Infinity, gainThreshold: 0 };
  if (kind === 'classes') new DecisionTreeClassifier(options).train(matrix, [...classes]);
  else new DecisionTreeRegression(options).train(matrix, [...numbers]);
}
