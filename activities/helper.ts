import { parentPort } from 'node:worker_threads';
import type { Job } from '../pipeline/cart/crew.ts';
import { helpWith } from '../pipeline/cart/together.ts';

// Entry of a thread that helps another to fit a tree: does its share of each job, and answers.
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
parentPort!.on('message', (job: Job) => parentPort!.postMessage(helpWith(job)));
