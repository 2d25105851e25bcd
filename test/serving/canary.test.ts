import { beforeEach, expect, it } from 'vitest';
import { blockOf } from '../../pipeline/predictions/raw-block.ts';
import { Canary } from '../../serving/canary.ts';
import { FollowedModel } from '../../serving/followed-model.ts';
import { type Store, storeIn } from '../../store/index.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { publishModel } from './stored-model.ts';

let store: Store;

beforeEach(async () => {
  store = storeIn(new MemoryBucket());
  await publishModel(store, 1);
});

async function openCanary(model: string, share = 0.5): Promise<Canary> {
  const followed = await FollowedModel.openOptional(store, 'made', model);
  return new Canary({ model: followed, share, key: 'customer' });
}

it('a canary is another build, also of the same version, and none where it is the same build', async () => {
  const { current } = await FollowedModel.open(store, 'made', '1.1');
  expect((await openCanary('1')).pickOther(current)).toBeUndefined();
  await publishModel(store, 1, { labels: ['a', 'b'] });
  expect((await openCanary('1.1')).pickOther(current)).toBeUndefined();
  expect((await openCanary('1')).pickOther(current)).toMatchObject({ version: 1, seq: 2 });
  expect((await openCanary('7')).pickOther(current)).toBeUndefined();
});

it('a canary answers the same keys for ever, and more keys of a greater share', async () => {
  const { current } = await FollowedModel.open(store, 'made', '1.1');
  const block = blockOf(
    12,
    (row) => `customer ${row}`,
    (row) => `row ${row}`,
  );
  const select = async (share: number) =>
    (await openCanary('1', share)).select(block, current.predictor).rows;
  expect(await select(0.1)).toEqual([0]);
  expect(await select(0.3)).toEqual([0, 6, 10]);
  expect(await select(0.6)).toEqual([0, 6, 7, 9, 10]);
  expect(await select(1)).toHaveLength(12);
});
