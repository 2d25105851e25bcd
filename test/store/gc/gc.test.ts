import { describe } from 'vitest';
import { openInMemory } from '../../support/memory-bucket.ts';
import { holdsGcContract } from './gc-contract.ts';

describe('gc in memory', () => {
  holdsGcContract(async () => openInMemory());
});
