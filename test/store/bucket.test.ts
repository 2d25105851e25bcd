import { describe } from 'vitest';
import { openInMemory } from '../support/memory-bucket.ts';
import { holdsBucketContract } from './bucket-contract.ts';

describe.each([1000, 7])('a bucket in memory, with %i keys in a page', (pageSize) => {
  holdsBucketContract(async () => openInMemory({ pageSize }));
});
