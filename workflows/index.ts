/** Everything a worker registers as a workflow: one function, one type. */
export { trainBatch } from './trainBatch.ts';
export { nightly } from './nightly.ts';
export { logVersion } from './logVersion.ts';
