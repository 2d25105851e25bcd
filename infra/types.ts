import type { Ports } from './ports.ts';

/** The servers of the stack, in the order they are listed to a person. */
export const PART_NAMES = ['temporal', 's3', 'mlflow', 'worker'] as const;
export type PartName = (typeof PART_NAMES)[number];

/** Which S3 server keeps the objects. */
export type S3Kind = 'seaweedfs' | 'minio';

/** One step of bringing the stack up or down; `line` is ready to be shown. */
export interface StackEvent {
  part: PartName | 'python' | 'stack';
  state: 'working' | 'starting' | 'ready' | 'stopping' | 'stopped' | 'failed';
  line: string;
}
export type Report = (event: StackEvent) => void;

export interface StackOptions {
  /** Folder of the stack's state, absolute. Default: `<root>/.stack`. */
  dir?: string;
  /** The project folder, where worker.ts and params.yaml are. */
  root: string;
  /** Where progress goes. Default: nowhere. */
  report?: Report;
}

export interface UpOptions extends StackOptions {
  /** Ports asked for; they win over RETRAIN_PORT_*, and those over what the stack used last. */
  ports?: Partial<Ports>;
  /** S3 server for a new stack. Default: MinIO when a `minio` is on PATH, else SeaweedFS. */
  s3?: S3Kind;
  /** Whether to run the worker too. Default: true. */
  worker?: boolean;
  /** Whether to run MLflow's server: not where all runs are tracked elsewhere. Default: true. */
  mlflow?: boolean;
  /** Folder of Python environments with the servers; stacks may share it. Default: `<dir>/venv`. */
  venv?: string;
  /** Variables for the worker, over those the stack gives it. */
  workerEnv?: Record<string, string>;
}

export interface PartStatus {
  part: PartName;
  /** `unused`: the stack does without it. */
  state: 'running' | 'stopped' | 'unhealthy' | 'unused';
  url: string;
  /** Process id; of the group's leader where there are several. */
  pid?: number;
  /** Start time, ISO 8601. */
  since?: string;
  /** One phrase for a person: what runs, or what is wrong and where its log is. */
  detail: string;
}
