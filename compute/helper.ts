import { parentPort } from 'node:worker_threads';
import { type Job, helpWith } from '../pipeline/models/cart/together.ts';
import { arraysOf } from '../pipeline/models/cart/grown-tree.ts';

// Entry of a thread that helps another thread to fit a tree: it does its share of each job and sends the result.
// Its subtrees are moved, not copied, because they may be half of a large tree.
parentPort!.on('message', (job: Job) => {
  const subtrees = helpWith(job);
  const handed = subtrees.flatMap(({ grown }) => arraysOf(grown).map(({ buffer }) => buffer));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
  parentPort!.postMessage(subtrees, handed);
});
