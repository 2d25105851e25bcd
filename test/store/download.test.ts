import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { StorageUnavailable } from '../../contract/failures.ts';
import type { OpenObject } from '../../store/bucket.ts';
import { download } from '../../store/download.ts';
import { objectKey, refOf } from '../../store/hash.ts';
import { tempFolder } from '../infra/temp-folder.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { countOpen, needsOpenFiles } from '../support/open-files.ts';

vi.mock('node:timers/promises', async () => {
  const { sleepMock } = await import('../support/interleavings.ts');
  return sleepMock;
});

const RIGHT = Buffer.from('right bytes');
const ref = refOf('data/a.csv', RIGHT);
const key = objectKey(ref.md5);
const gone = new StorageUnavailable('the connection broke off');

type Answer = 'right' | 'wrong' | 'broken' | 'missing' | 'odd';

/** A bucket that answers these in turn. */
class Answering extends MemoryBucket {
  readonly left: Answer[];

  constructor(answers: Answer[]) {
    super();
    this.left = answers;
  }

  override async open(): Promise<OpenObject | undefined> {
    const answer = this.left.shift();
    if (answer === 'missing') return undefined;
    if (answer === 'odd') throw new Error('a fault of the program');
    return { size: RIGHT.length, etag: '', chunks: chunksOf(answer) };
  }
}

async function* chunksOf(answer: Answer | undefined): AsyncGenerator<Uint8Array> {
  yield RIGHT.subarray(0, 3);
  if (answer === 'broken') throw gone;
  yield answer === 'wrong' ? Buffer.from('XXXXXXXX') : RIGHT.subarray(3);
}

let file: string;
beforeEach(() => {
  file = join(tempFolder('download'), 'a.csv');
});

/** Downloads with these answers, and returns how many milliseconds were waited. */
async function run(answers: Answer[]): Promise<number> {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 });
  try {
    await download(new Answering(answers), ref, key, file);
    return Date.now();
  } finally {
    vi.useRealTimers();
  }
}

describe('a download', () => {
  it.each<[answers: Answer[], waited: number]>([
    [['right'], 0],
    [['broken', 'right'], 500],
    [['broken', 'broken', 'right'], 1500],
    [['wrong', 'right'], 0],
    [['broken', 'wrong', 'right'], 500],
    [['wrong', 'broken', 'right'], 1000],
  ])('is whole after %j', async (answers, waited) => {
    expect(await run(answers)).toBe(waited);
    expect(readFileSync(file)).toEqual(RIGHT);
  });

  it.each<[answers: Answer[], error: object]>([
    [['broken', 'broken', 'broken', 'right'], { name: 'StorageUnavailable' }],
    [
      ['wrong', 'wrong', 'right'],
      {
        name: 'DamagedArtifact',
        message: `data/a.csv in the bucket (${key}) no longer matches its hash: make it again with "npx retrain verify --all --repair" (and --pipeline, unless it is of the default one); if only a trial or an unfinished run has it, start that again, and if only an earlier build has it, restore it from a backup`,
        details: { ref, key },
      },
    ],
    [
      ['missing', 'right'],
      {
        name: 'DamagedArtifact',
        message: `data/a.csv is missing from the bucket (${key}): make it again with "npx retrain verify --all --repair" (and --pipeline, unless it is of the default one); if only a trial or an unfinished run has it, start that again, and if only an earlier build has it, restore it from a backup`,
        details: { ref, key },
      },
    ],
    [['odd', 'right'], { name: 'Error', message: 'a fault of the program' }],
  ])('fails after %j, and asks no further time', async (answers, error) => {
    const bucket = new Answering(answers);
    vi.useFakeTimers({ toFake: ['Date'] });
    const failed = download(bucket, ref, key, file).finally(() => vi.useRealTimers());
    await expect(failed).rejects.toThrow(expect.objectContaining(error));
    expect(bucket.left).toEqual(['right']);
  });

  it('leaves no file open, whether it is whole or fails', needsOpenFiles, async () => {
    await run(['right']);
    expect(countOpen(file)).toBe(0);
    file += '.other';
    await expect(run(['odd'])).rejects.toThrow('a fault of the program');
    expect(countOpen(file)).toBe(0);
  });

  it('replaces no file that is there', async () => {
    await run(['right']);
    await expect(run(['right'])).rejects.toMatchObject({ code: 'EEXIST' });
  });
});
