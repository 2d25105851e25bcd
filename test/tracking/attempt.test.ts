import { describe } from 'vitest';
import { storeIn } from '../../store/index.ts';
import { createFilesTracker } from '../../tracking/files/tracker.ts';
import { tempFolder } from '../infra/temp-folder.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { holdsAttemptContract } from './attempt-contract.ts';

describe('in a directory, an attempt', () => {
  holdsAttemptContract(() => ({
    store: storeIn(new MemoryBucket()),
    tracker: createFilesTracker({ path: tempFolder('attempts') }),
    experiment: 'e',
  }));
});
