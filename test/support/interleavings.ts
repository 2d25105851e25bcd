import { promisify } from 'node:util';
import { vi } from 'vitest';
import type { Bucket } from '../../store/bucket.ts';
import { MemoryBucket, MemoryServer, type MemoryRequest } from './memory-bucket.ts';

/**
 * Every order in which the requests of several clients can reach one bucket, and a crash of any of them
 * between any two requests. Each order is one run from the start, chosen step by step: depth first over all
 * choices, as far as the bounds allow.
 *
 * A file that uses it must replace sleeping: `vi.mock('node:timers/promises', () => sleepMock)`.
 */

/** What one client does with its own connection to the bucket. */
export type Client = (bucket: Bucket) => Promise<unknown>;

/** How a client ended. */
export type Ended =
  | { status: 'done'; value: unknown }
  | { status: 'failed'; reason: unknown }
  | { status: 'crashed' };

/** The names of the errors of the clients that failed. */
export function failuresOf(ended: readonly Ended[]): string[] {
  return ended.flatMap((end) =>
    end.status === 'failed' ? [end.reason instanceof Error ? end.reason.name : 'not an error'] : [],
  );
}

export interface Exploration {
  /** Prepares the bucket, in peace. */
  before?: (bucket: Bucket) => Promise<void>;
  /** Called for each run: clients may share what they close over. */
  clients: () => Client[];
  /** Checked at the end of each run: throws where a law is broken. */
  after: (bucket: Bucket, ended: Ended[]) => Promise<void>;
  /** Crashes in one run; 0 by default. */
  crashes?: number;
  /** Times that a client may be left for another though it could go on; any number by default. */
  switches?: number;
  /** Runs; more orders than that are an error, so that a bound is never taken for all. */
  most?: number;
}

/** A client that waits: for its request to be let through, or for time to pass. */
interface Waiting {
  client: number;
  /** Lets it go on. */
  go: () => void;
  /** Undefined: it sleeps. */
  request?: MemoryRequest;
  /** Does the request and loses the answer. */
  loseAnswer?: () => void;
  /** Of a sleeper: the number of steps when it fell asleep, and for how long. */
  slept?: { steps: number; ms: number };
}

type Choice = { waiting: Waiting; how: 'go' | 'crash before' | 'crash after' };

const STEPS = 2_000;

let run: Run | undefined;

const pause = promisify(setTimeout);

/**
 * Replaces node:timers/promises: the end of a sleep is one of the choices of what happens next. Elsewhere a sleep moves
 * the clock where it is a fake one, and takes its time where it is not.
 */
export const sleepMock = {
  setTimeout: async (
    ms: number,
    _value?: undefined,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<void> => {
    signal?.throwIfAborted();
    if (run !== undefined) await run.sleep(ms);
    else if (vi.isFakeTimers()) vi.setSystemTime(Date.now() + ms);
    else await pause(ms);
    signal?.throwIfAborted();
  },
};

/** @returns how many runs there were */
export async function everyOrder(exploration: Exploration): Promise<number> {
  const most = exploration.most ?? 20_000;
  const path: { chosen: number; of: number }[] = [];
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
  try {
    for (let runs = 1; ; runs++) {
      if (runs > most) throw new Error(`there are more than ${most} orders: choose closer bounds`);
      run = new Run(exploration, path);
      await run.play();
      while (path.length > 0 && path.at(-1)!.chosen + 1 === path.at(-1)!.of) path.pop();
      if (path.length === 0) return runs;
      path.at(-1)!.chosen++;
    }
  } finally {
    run = undefined;
    vi.useRealTimers();
  }
}

class Run {
  readonly #exploration: Exploration;
  readonly #path: { chosen: number; of: number }[];
  readonly #server = new MemoryServer();
  readonly #waiting: Waiting[] = [];
  readonly #crashed = new Set<number>();
  readonly #story: string[] = [];
  #steps = 0;
  #crashesLeft: number;
  #switchesLeft: number;
  /** Before the clients start and after they have ended, time just passes. */
  #isInPeace = true;
  /** Whose code runs now: a sleep is that client's. */
  #current = 0;

  constructor(exploration: Exploration, path: { chosen: number; of: number }[]) {
    this.#exploration = exploration;
    this.#path = path;
    this.#crashesLeft = exploration.crashes ?? 0;
    this.#switchesLeft = exploration.switches ?? Infinity;
  }

  async play(): Promise<void> {
    const { before, clients, after } = this.#exploration;
    const peaceful = new MemoryBucket(this.#server);
    await before?.(peaceful);
    const ended: (Ended | undefined)[] = [];
    const programs = clients();
    this.#isInPeace = false;
    for (const [client, program] of programs.entries()) {
      this.#current = client;
      void program(this.#bucketOf(client)).then(
        (value) => (ended[client] ??= { status: 'done', value }),
        (reason: unknown) => (ended[client] ??= { status: 'failed', reason }),
      );
      await settled();
    }
    for (let step = 0; this.#waiting.length > 0; step++) {
      if (step === STEPS) throw this.#broken(new Error(`it has not ended after ${STEPS} steps`));
      this.#take(this.#choose(step));
      await settled();
    }
    for (const client of this.#crashed) ended[client] = { status: 'crashed' };
    this.#isInPeace = true;
    try {
      await after(
        peaceful,
        programs.map((_, i) => ended[i]!),
      );
    } catch (error) {
      throw this.#broken(error);
    }
  }

  async sleep(ms: number): Promise<void> {
    if (this.#isInPeace) return void vi.setSystemTime(Date.now() + ms);
    const slept = { steps: this.#steps, ms };
    const client = this.#current;
    await new Promise<void>((go) => this.#waiting.push({ client, slept, go }));
  }

  #bucketOf(client: number): Bucket {
    return new MemoryBucket(this.#server, {
      around: (request, act) =>
        new Promise((resolve, reject) => {
          const answer = (): void => {
            try {
              resolve(act());
            } catch (error) {
              reject(error);
            }
          };
          this.#waiting.push({ client, request, go: answer, loseAnswer: act });
        }),
    });
  }

  #choose(step: number): Choice {
    const choices = this.#choices();
    const known = this.#path[step];
    if (known === undefined) this.#path[step] = { chosen: 0, of: choices.length };
    return choices[known?.chosen ?? 0]!;
  }

  /** First the client that ran last, so that the first run of all is one client after another. */
  #choices(): Choice[] {
    const awake = this.#waiting.filter(({ slept }) => slept === undefined);
    // Time passes for a sleeper once another client has done something, or nothing else can happen.
    const rested = this.#waiting.filter(({ slept }) => slept && slept.steps < this.#steps);
    const able = awake.length + rested.length > 0 ? [...awake, ...rested] : this.#waiting;
    const going = able.filter(({ client }) => client === this.#current);
    const others = able.filter(({ client }) => client !== this.#current);
    const free = going.length === 0 || this.#switchesLeft > 0 ? [...going, ...others] : going;
    const crashing = free.filter(({ request }) => request !== undefined && this.#crashesLeft > 0);
    return [
      ...free.map((waiting): Choice => ({ waiting, how: 'go' })),
      ...crashing.map((waiting): Choice => ({ waiting, how: 'crash before' })),
      ...crashing
        .filter(({ request }) => isWrite(request))
        .map((waiting): Choice => ({ waiting, how: 'crash after' })),
    ];
  }

  #take({ waiting, how }: Choice): void {
    const { client, request, slept } = waiting;
    this.#story.push(
      `client ${client}: ${request ? `${request.verb} ${request.key}` : 'wakes'}${how === 'go' ? '' : `, ${how}`}`,
    );
    const couldGoOn = this.#waiting.some((one) => one.client === this.#current && !one.slept);
    if (client !== this.#current && couldGoOn) this.#switchesLeft--;
    this.#current = client;
    this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
    this.#steps++;
    if (slept !== undefined) vi.setSystemTime(Date.now() + slept.ms);
    if (how === 'go') return waiting.go();
    this.#crashesLeft--;
    this.#crashed.add(client);
    if (how === 'crash after') waiting.loseAnswer!();
    const rest = this.#waiting.filter((one) => one.client !== client);
    this.#waiting.splice(0, this.#waiting.length, ...rest);
  }

  #broken(cause: unknown): Error {
    const message = cause instanceof Error ? cause.message : String(cause);
    return new Error(`in this order:\n${this.#story.join('\n')}\n${message}`, { cause });
  }
}

function isWrite(request: MemoryRequest | undefined): boolean {
  return request?.verb === 'put' || request?.verb === 'delete' || request?.verb === 'part';
}

/** Until every client waits: what they do between two requests takes microtasks only. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
