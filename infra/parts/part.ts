import type { Ports, PortUse } from '../ports.ts';
import type { Credentials } from '../stack-folder.ts';
import type { Venv } from '../python.ts';
import type { PartName } from '../report.ts';

/** The settings from which all parts are made. */
export interface Plan {
  dir: string;
  root: string;
  ports: Ports;
  inner: Record<string, number>;
  credentials: Credentials;
  venv: Venv;
}

/** A server of the stack: how to start it and how to check its health. */
export interface Part {
  name: PartName;
  /** Its name for a person. */
  title: string;
  url: string;
  command: string[];
  cwd: string;
  /** Environment variables for it, over those of the process that starts the stack. */
  env: Record<string, string>;
  /** Inherited variables that it must not see, because they would change its behaviour. */
  hide: RegExp;
  /** Ports that must be free before it starts. */
  ports: PortUse[];
  /** Parts that must be healthy before it starts. */
  needs: PartName[];
  /** Any other text; a change of it restarts the part. It is made only when the part is started. */
  edition?: () => string;
  /** A sentence about what is wrong; undefined when it is healthy. */
  problem: () => Promise<string | undefined>;
  /** Runs once after each start, when the part is healthy. */
  afterStart?: () => Promise<void>;
  /** The longest times that it may take to become healthy, and to end after SIGTERM. */
  startMs: number;
  stopMs: number;
}
