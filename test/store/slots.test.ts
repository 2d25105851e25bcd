import { expect, it } from 'vitest';
import { Slots } from '../../store/s3/slots.ts';

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
