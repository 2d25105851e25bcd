import { describe } from 'vitest';
import { openInMemory } from '../support/memory-bucket.ts';
import { holdsStoreContract } from './store-contract.ts';

describe('the store in memory', () => {
  holdsStoreContract(async () => openInMemory());
});
