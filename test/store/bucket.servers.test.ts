import { openBucket } from '../../store/index.ts';
import { describeOnEachS3 } from '../support/s3-servers.ts';
import { holdsBucketContract } from './bucket-contract.ts';

describeOnEachS3('a bucket', ({ open }) => {
  holdsBucketContract(async () => {
    const server = await open();
    return { open: (name) => openBucket(server.options(name)), stop: server.stop };
  });
});
