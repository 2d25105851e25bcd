/** The servers of the stack, in the order in which a person sees them. */
export type PartName = 'temporal' | 's3' | 'mlflow' | 'worker';

/** Which S3 server keeps the objects. */
export type S3Kind = 'seaweedfs' | 'minio';

/** One step of a start or a stop; `line` is a sentence for a person. */
export interface StackEvent {
  part: PartName | 'python' | 'stack';
  state: 'working' | 'starting' | 'ready' | 'stopping' | 'stopped' | 'failed';
  line: string;
}
export type Report = (event: StackEvent) => void;

export interface PartStatus {
  part: PartName;
  /** `unused`: the stack runs without it. */
  state: 'running' | 'stopped' | 'unhealthy' | 'unused';
  url: string;
  /** Process id; of the group's leader where there are several. */
  pid?: number;
  /** Start time, ISO 8601. */
  since?: string;
  /** One phrase for a person: what runs, or what is wrong and where its log is. */
  detail: string;
}
