import type { Project } from '../../test/support/project.ts';

/** The cost of one batch on one side. */
export interface Cost {
  ms: number;
  /** Bytes to and from the S3 server. */
  up: number;
  down: number;
}

/** The places where both sides run, and a function that measures their costs. */
export interface Sides {
  /** Our side: a project with its worker. */
  project: Project;
  /** The S3 server and the bucket of both sides. */
  store: { endpoint: string; bucket: string };
  timed: <T>(work: () => Promise<T>) => Promise<Cost & { answer: T }>;
  say: (line: string) => void;
}

/** The training task of both sides. */
export interface Task {
  /** The name of our pipeline and of the scripts' experiment. */
  name: string;
  /** Path of a CSV file. */
  source: string;
  target: string;
  batchSize: number;
  maxDepth: number;
  seed: number;
}
