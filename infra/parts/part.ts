import type { PortUse } from '../port-holder.ts';
import type { Ports } from '../ports.ts';
import type { Credentials } from '../credentials.ts';
import type { Venv } from '../python.ts';
import type { PartName } from '../types.ts';

/** What the parts are made from. */
export interface Plan {
  dir: string;
  root: string;
  ports: Ports;
  inner: Record<string, number>;
  credentials: Credentials;
  venv: Venv;
}

/** A server of the stack: how it is started and how one knows that it works. */
export interface Part {
  name: PartName;
  /** What it is, for a person. */
  title: string;
  url: string;
  command: string[];
  cwd: string;
  /** Set for it, over the environment of whoever starts the stack. */
  env: Record<string, string>;
  /** Variables of that environment it must not see, because they would change what it does. */
  hide: RegExp;
  /** What must be free before it starts. */
  ports: PortUse[];
  /** Parts that must be healthy before it starts. */
  needs: PartName[];
  /** Anything else that asks for a restart when it changes. */
  edition?: string;
  /** What is wrong; undefined when it is healthy. */
  problem: () => Promise<string | undefined>;
  /** Run once after each start, when it is healthy. */
  afterStart?: () => Promise<void>;
  /** How long it may take to become healthy, and to end when asked to. */
  startMs: number;
  stopMs: number;
}
