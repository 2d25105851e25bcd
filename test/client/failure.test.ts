import { WorkflowFailedError } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import { describeFailure } from '../../client/failure.ts';

it('a failed activity is described by its cause, not by the fact that it failed', async () => {
  const cause = ApplicationFailure.nonRetryable('the bucket is gone: create it', 'StorageRefused');
  const activity = new ActivityFailure(
    'Activity task failed',
    'find_pending',
    '1',
    'NON_RETRYABLE_FAILURE',
    undefined,
    cause,
  );
  const failure = new WorkflowFailedError('Workflow execution failed', activity, undefined);
  expect(await describeFailure(failure)).toEqual({
    type: 'StorageRefused',
    message: 'the bucket is gone: create it',
    stage: null,
  });
});
