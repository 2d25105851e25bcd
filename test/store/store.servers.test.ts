import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBucket, openStore, type Store } from '../../store/index.ts';
import { unique } from '../support/project.ts';
import { describeOnEachS3, type S3Server } from '../support/s3-servers.ts';
import { holdsStoreContract } from './store-contract.ts';

describeOnEachS3('the store', ({ open }) => {
  holdsStoreContract(async () => {
    const server = await open();
    return { open: (name) => openBucket(server.options(name)), stop: server.stop };
  });

  describe('the bucket', () => {
    let server: S3Server;
    let store: Store;

    beforeAll(async () => {
      server = await open();
      store = openStore(server.options(unique('bucket')));
      await store.bucket.ensure();
    });
    afterAll(async () => {
      store?.bucket.close();
      await server?.stop();
    });

    it('says by type that credentials are wrong or the server is gone', async () => {
      const wrong = openStore({
        ...server.options(store.bucket.location.bucket),
        credentials: { accessKeyId: 'nobody', secretAccessKey: 'not-the-secret' },
      });
      const refused = wrong.bucket.ensure();
      await expect(refused).rejects.toMatchObject({ name: 'StorageRefused', retryable: false });
      await expect(refused).rejects.not.toThrow('not-the-secret');
      const gone = openStore({
        ...server.options(store.bucket.location.bucket),
        endpoint: 'http://127.0.0.1:9',
      });
      await expect(gone.bucket.get('x')).rejects.toMatchObject({
        name: 'StorageUnavailable',
        retryable: true,
      });
    });
  });
});
