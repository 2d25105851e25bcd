/** What exit codes mean; 0 is done. */
export const EXIT = {
  /** The run failed, or what was asked for is not there. */
  failed: 1,
  /** Wrong usage, or params that no run can have. */
  usage: 2,
  /** Something the command needs is not there: a server, Python, a port. */
  setup: 3,
  /** Ctrl-C, while the run goes on. */
  detached: 130,
} as const;
