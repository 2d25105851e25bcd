/** The workflows a worker registers: each function is a workflow type. */
export { trainBatch } from './trainBatch.ts';
export { nightly } from './nightly.ts';
export { logVersion } from './logVersion.ts';
export { promote } from './promote.ts';
