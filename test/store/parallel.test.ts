import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { inParallel, Slots } from '../../store/parallel.ts';

describe('work in parallel', () => {
  it('does each item once, never more than the limit at a time', async () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const done: number[] = [];
    let [running, most] = [0, 0];
    await inParallel(items, 4, async (item) => {
      most = Math.max(most, ++running);
      await sleep(1);
      running--;
      done.push(item);
    });
    expect(done.sort((a, b) => a - b)).toEqual(items);
    expect(most).toBe(4);
  });

  it('begins nothing after a failure, and waits for what is under way', async () => {
    const [begun, ended]: [number[], number[]] = [[], []];
    const work = inParallel([1, 2, 3, 4, 5, 6], 2, async (item) => {
      begun.push(item);
      if (item === 1) throw new Error('one');
      await sleep(20);
      ended.push(item);
    });
    await expect(work).rejects.toThrow('one');
    expect(begun).toEqual([1, 2]);
    expect(ended).toEqual([2]);
  });

  it('stops when it is aborted', async () => {
    const stop = new AbortController();
    const done: number[] = [];
    const work = inParallel(
      [1, 2, 3, 4],
      1,
      async (item) => {
        done.push(item);
        if (item === 2) stop.abort();
      },
      stop.signal,
    );
    await expect(work).rejects.toMatchObject({ name: 'AbortError' });
    expect(done).toEqual([1, 2]);
  });
});

it('slots are taken in turn, given back once, and no longer waited for under a signal that is aborted', async () => {
  const slots = new Slots(1);
  const first = await slots.take();
  const stop = new AbortController();
  const why = new Error('stopped');
  const [second, third] = [slots.take(stop.signal), slots.take()];
  stop.abort(why);
  await expect(second).rejects.toBe(why);
  first();
  first();
  const giveBack = await third;
  let entered = false;
  const fourth = slots.take().then(() => (entered = true));
  await Promise.resolve();
  expect(entered).toBe(false);
  giveBack();
  await fourth;
  await expect(slots.take(stop.signal)).rejects.toBe(why);
});
