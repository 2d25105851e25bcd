import { CreateMultipartUploadCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { objectKey, hashOf, refOf } from '../../../store/hash.ts';
import { collectGarbage } from '../../../store/gc/collect.ts';
import type { Keep } from '../../../store/gc/roots.ts';
import { planGc, type GcPlan } from '../../../store/gc/plan.ts';
import { openBucket, openStore, type Store } from '../../../store/index.ts';
import { noteUpload } from '../../../store/unfinished-uploads.ts';
import { editDocument } from '../../support/edit-document.ts';
import { unique } from '../../support/project.ts';
import { describeOnEachS3, type S3Server } from '../../support/s3-servers.ts';
import { holdsGcContract } from './gc-contract.ts';

describeOnEachS3('gc', ({ open }) => {
  holdsGcContract(async () => {
    const server = await open();
    return { open: (name) => openBucket(server.options(name)), stop: server.stop };
  });

  describe('uploads in parts that nobody goes on with', () => {
    let server: S3Server;
    let store: Store;
    const all: Keep = { pipeline: 'p', versions: [] };
    const collect = (): Promise<GcPlan> =>
      collectGarbage(store, all, { isLive: async () => false });

    beforeAll(async () => {
      server = await open();
    });
    afterAll(async () => server?.stop());
    beforeEach(async () => {
      store = openStore(server.options(unique('gc')));
      await store.bucket.ensure();
      return () => store.bucket.close();
    });

    const PART = Buffer.alloc(5 * 2 ** 20, 'x');

    /** An upload as its process leaves it when it dies: one part, neither complete nor given up. */
    async function begin(Key: string): Promise<string> {
      const {
        endpoint,
        region,
        bucket: Bucket,
        credentials,
      } = server.options(store.bucket.location.bucket);
      const s3 = new S3Client({
        endpoint: endpoint!,
        region,
        credentials: credentials!,
        forcePathStyle: true,
      });
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      const part = { Bucket, Key, UploadId, PartNumber: 1, Body: PART };
      await s3.send(new UploadPartCommand(part));
      s3.destroy();
      return UploadId!;
    }

    /** Lets its last word be so many hours ago. */
    async function age(key: string, id: string, hours: number): Promise<void> {
      const note = `uploads/${hashOf({ key, id })}.json`;
      await editDocument<{ renewed_at: string }>(store.bucket, note, (said) => {
        said.renewed_at = new Date(Date.now() - hours * 3_600_000).toISOString();
      });
    }

    it('are given up a day after their last word, and others’ never', async () => {
      const key = objectKey(refOf('x', PART).md5);
      const [dead, young, foreign] = [await begin(key), await begin(key), await begin(key)];
      const left = (): Promise<(number | undefined)[]> =>
        Promise.all([dead, young, foreign].map((id) => store.bucket.sizeOfUpload(key, id)));
      for (const id of [dead, young]) await noteUpload(store.bucket, key).begun(id);
      await age(key, dead, 25);
      await age(key, young, 23);
      const planned = (await planGc(store, all, new Date())).remove;
      expect(planned).toMatchObject([{ kind: 'unfinished uploads', size: PART.length }]);
      expect(await left()).toEqual([PART.length, PART.length, PART.length]);
      expect((await collect()).remove).toEqual(planned);
      expect(await left()).toEqual([undefined, PART.length, PART.length]);
      expect((await collect()).remove).toEqual([]);
      await store.bucket.abortUpload(key, young); // its process lives, and gives it up itself
      await age(key, young, 25);
      expect(await collect()).toMatchObject({ remove: [{ size: 0 }], kept: 0 });
      for await (const { key: note } of store.bucket.list('uploads/')) expect(note).toBe('none');
    });
  });
});
