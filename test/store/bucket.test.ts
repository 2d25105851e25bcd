import { describe } from 'vitest';
import { MemoryBucket, MemoryServer } from '../support/memory-bucket.ts';
import { holdsBucketContract } from './bucket-contract.ts';

describe.each([1000, 7])('a bucket in memory, with %i keys in a page', (pageSize) => {
  holdsBucketContract(async () => {
    const servers = new Map<string, MemoryServer>();
    return {
      open: (name) => {
        const server = servers.get(name) ?? new MemoryServer();
        servers.set(name, server);
        return new MemoryBucket(server, { pageSize });
      },
    };
  });
});
