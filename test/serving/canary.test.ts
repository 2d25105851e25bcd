import { beforeEach, expect, it } from 'vitest';
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

async function openCanary(model: string): Promise<Canary> {
  const followed = await FollowedModel.openOptional(store, 'made', model);
  return new Canary({ model: followed, share: 0.5, key: 'customer' });
}

it('a canary is another build, also of the same version, and none where it is the same build', async () => {
  const { current } = await FollowedModel.open(store, 'made', '1.1');
  expect((await openCanary('1')).pickOther(current)).toBeUndefined();
  await publishModel(store, 1, { labels: ['a', 'b'] });
  expect((await openCanary('1.1')).pickOther(current)).toBeUndefined();
  expect((await openCanary('1')).pickOther(current)).toMatchObject({ version: 1, seq: 2 });
  expect((await openCanary('7')).pickOther(current)).toBeUndefined();
});
