import { describe, expect, it } from 'vitest';
import { collectGarbage } from '../../../store/gc/collect.ts';
import { storeIn } from '../../../store/index.ts';
import { noteUpload } from '../../../store/unfinished-uploads.ts';
import { MemoryBucket, openInMemory } from '../../support/memory-bucket.ts';
import { editDocument } from '../../support/edit-document.ts';
import { holdsGcContract } from './gc-contract.ts';

describe('gc in memory', () => {
  holdsGcContract(async () => openInMemory());

  it('aborts an upload that has died, with its note, and no other', async () => {
    const bucket = new MemoryBucket();
    await bucket.ensure();
    const { uploads } = bucket.server;
    for (const id of ['dead', 'live', 'foreign'])
      uploads.set(id, { key: 'k', parts: [Buffer.from('part')] });
    for (const id of ['dead', 'live']) await noteUpload(bucket, 'k').begun(id);
    const notes: string[] = [];
    for await (const { key } of bucket.list('uploads/')) notes.push(key);
    for (const note of notes)
      await editDocument<{ upload_id: string; renewed_at: string }>(bucket, note, (said) => {
        const hours = said.upload_id === 'dead' ? 25 : 23;
        said.renewed_at = new Date(Date.now() - hours * 3_600_000).toISOString();
      });
    const removed: number[] = [];
    const plan = await collectGarbage(
      storeIn(bucket),
      { pipeline: 'p', versions: [] },
      { isLive: async () => false, onRemoved: (bytes) => removed.push(bytes) },
    );
    expect(plan.remove).toMatchObject([{ kind: 'unfinished uploads', size: 4 }]);
    expect(removed).toEqual([4]);
    expect([...uploads.keys()]).toEqual(['live', 'foreign']);
    expect(await bucket.names('uploads/')).toHaveLength(1);
  });
});
