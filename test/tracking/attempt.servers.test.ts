import { afterAll, beforeAll, describe } from 'vitest';
import { openStore, type Store } from '../../store/index.ts';
import { createMlflowTracker } from '../../tracking/mlflow/tracker.ts';
import type { Tracker } from '../../tracking/tracker.ts';
import { unique } from '../support/project.ts';
import { holdsAttemptContract } from './attempt-contract.ts';

const id = unique('attempts');
let store: Store;
let tracker: Tracker;

beforeAll(() => {
  store = openStore({
    endpoint: process.env['AWS_ENDPOINT_URL_S3'],
    region: 'us-east-1',
    bucket: id,
  });
  tracker = createMlflowTracker({ uri: process.env['MLFLOW_TRACKING_URI']! });
});
afterAll(() => store.bucket.close());

describe('on the real servers, an attempt', () => {
  holdsAttemptContract(() => ({ store, tracker, experiment: id }));
});
