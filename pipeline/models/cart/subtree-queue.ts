import type { Task } from './task.ts';

/** Subtrees that can be handed out; what does not fit is grown by whoever has it. */
const MOST = 512;
const PUSHED = 0;
const TAKEN = 1;
const CLOSED = 2;
const SETTLED = 3;
/** Goes up when there is something new to look for. */
const BELL = 4;
const HEAD = 5;
/** Numbers of a task besides its features. */
const FIELDS = 6;

/** Subtrees of one tree that wait for a thread, in memory that threads share; one thread adds, all take. */
export class SubtreeQueue {
  readonly memory: Int32Array;
  readonly #stride: number;

  /** @param memory that of the queue another thread has made; a new one if not given */
  constructor(features: number, memory?: Int32Array) {
    this.#stride = FIELDS + features;
    this.memory = memory ?? new Int32Array(new SharedArrayBuffer(4 * (HEAD + MOST * this.#stride)));
  }

  /** Hands a subtree out; false when there is no room. */
  push({ node, start, end, depth, list, features }: Task): boolean {
    const { memory } = this;
    const pushed = memory[PUSHED]!;
    if (pushed === MOST) return false;
    const at = HEAD + this.#stride * pushed;
    memory.set([node, start, end, depth, list, features.length, ...features], at);
    Atomics.store(memory, PUSHED, pushed + 1);
    this.ring();
    return true;
  }

  /** Says that no more will come. */
  close(): void {
    Atomics.store(this.memory, CLOSED, 1);
    this.ring();
  }

  /** Wakes those who wait for a subtree, to look what else there is to do. */
  ring(): void {
    Atomics.add(this.memory, BELL, 1);
    Atomics.notify(this.memory, BELL);
  }

  /**
   * The next subtree, waiting for one if need be; undefined when no more will come.
   * @param first is done before each look; it tells whether there was anything to do
   */
  take(first: () => boolean = () => false): Task | undefined {
    const { memory } = this;
    for (;;) {
      const bell = Atomics.load(memory, BELL);
      if (first()) continue;
      const taken = Atomics.load(memory, TAKEN);
      const pushed = Atomics.load(memory, PUSHED);
      if (taken < pushed) {
        if (Atomics.compareExchange(memory, TAKEN, taken, taken + 1) === taken)
          return this.#read(taken);
      } else if (Atomics.load(memory, CLOSED) === 1) {
        // Closing comes after the last push, which may have been missed above.
        if (Atomics.load(memory, PUSHED) === pushed) return undefined;
      } else {
        Atomics.wait(memory, BELL, bell);
      }
    }
  }

  /** Counts rows that have found their leaf; returns how many have, in all threads. */
  settle(rows: number): number {
    return Atomics.add(this.memory, SETTLED, rows) + rows;
  }

  #read(i: number): Task {
    const at = HEAD + this.#stride * i;
    const [node, start, end, depth, list, count] = this.memory.subarray(at, at + FIELDS);
    const features = [...this.memory.subarray(at + FIELDS, at + FIELDS + count!)];
    return {
      node: node!,
      level: 0,
      start: start!,
      end: end!,
      depth: depth!,
      features,
      list: list!,
    };
  }
}
