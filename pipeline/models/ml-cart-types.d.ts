/** What is used of ml-cart 2, which ships no types. */
declare module 'ml-cart' {
  export interface ClassifierOptions {
    gainFunction?: 'gini';
    splitFunction?: 'mean';
    /** A node with this many rows or fewer is a leaf. */
    minNumSamples?: number;
    maxDepth?: number;
    gainThreshold?: number;
  }

  export class DecisionTreeClassifier {
    constructor(options?: ClassifierOptions);
    /** Rows of features, and a class index from 0 for each row. */
    train(rows: number[][], classes: number[]): void;
    predict(rows: number[][]): number[];
    toJSON(): unknown;
    /** Loads what `JSON.stringify` made of a classifier. */
    static load(model: unknown): DecisionTreeClassifier;
  }

  export interface RegressionOptions {
    gainFunction?: 'regression';
    splitFunction?: 'mean';
    minNumSamples?: number;
    maxDepth?: number;
    /** A split must leave more squared error than this. */
    gainThreshold?: number;
  }

  export class DecisionTreeRegression {
    constructor(options?: RegressionOptions);
    train(rows: number[][], values: number[]): void;
    predict(rows: number[][]): number[];
    toJSON(): unknown;
    static load(model: unknown): DecisionTreeRegression;
  }
}
