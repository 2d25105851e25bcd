import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnEachS3, type S3Server } from '../support/s3-servers.ts';
import { readSource } from './read-source.ts';
import { holdsS3SourceContract } from './s3-source-contract.ts';

describeOnEachS3('sources', ({ open }) => {
  let server: S3Server;
  beforeAll(async () => {
    server = await open();
  });
  afterAll(() => server?.stop());

  holdsS3SourceContract(async () => ({ ...server, stop: async () => undefined }));

  it('wrong credentials are refused, without showing them', async () => {
    const s3 = {
      ...server.options('x'),
      credentials: { accessKeyId: 'nobody', secretAccessKey: 'not-the-secret' },
    };
    const refused = readSource('s3://a-bucket/in/wine.csv', { s3 });
    await expect(refused).rejects.toMatchObject({ name: 'StorageRefused' });
    await expect(refused).rejects.not.toThrow('not-the-secret');
  });
});
