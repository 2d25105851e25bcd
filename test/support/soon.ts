/** How long a test waits for what happens soon: long, because a busy machine may pause it for seconds. */
export const SOON = { timeout: 30_000, interval: 25 };
