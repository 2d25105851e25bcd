import type { Project } from '../../test/support/project.ts';

/** What one side spent on one batch. */
export interface Cost {
  ms: number;
  /** Bytes to and from the S3 server. */
  up: number;
  down: number;
}

/** Where both sides run, and how what they spend is measured. */
export interface Sides {
  /** Ours: a project with its worker. */
  project: Project;
  /** The S3 server and bucket both keep their objects in. */
  store: { endpoint: string; bucket: string };
  timed: <T>(work: () => Promise<T>) => Promise<Cost & { answer: T }>;
  say: (line: string) => void;
}
