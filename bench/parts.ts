/** One benchmark: a script of its own that prints its tables and enters what it measured in results.json. */
export interface Part {
  /** As in `npm run bench:<name>`; its file is `<name>.ts`. */
  readonly name: string;
  readonly about: string;
  /** How long a full run takes on two quiet cores. */
  readonly minutes: number;
}

/** Everything `npm run bench` runs, in this order. */
export const parts: readonly Part[] = [
  { name: 'train', about: 'fitting: ours, ml-cart, scikit-learn', minutes: 14 },
  { name: 'predict', about: 'rows a second: ours, ml-cart, scikit-learn', minutes: 1 },
  { name: 'memory', about: 'peak memory of preprocess, train and evaluate', minutes: 3 },
  { name: 'tables', about: 'CSV to encoded parts, beside pandas', minutes: 2 },
  { name: 'batch', about: 'a batch beside six empty activities', minutes: 1 },
  { name: 'baseline', about: 'whole batches, against scripts with DVC and MLflow', minutes: 10 },
  { name: 'cost', about: 'what a version costs, beside DVC with merged files', minutes: 2 },
];
