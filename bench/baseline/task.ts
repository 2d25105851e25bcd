/** What both sides are asked to learn. */
export interface Task {
  /** Names our pipeline, and the scripts' experiment. */
  name: string;
  /** Path of a CSV file. */
  source: string;
  target: string;
  batchSize: number;
  maxDepth: number;
  seed: number;
}
