import { ActivityFailure, ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { toWorkflowFailure } from '../../workflows/failure.ts';

function failedActivity(cause: Error): ActivityFailure {
  return new ActivityFailure(
    'Activity task failed',
    'prepare_batch',
    '5',
    'NON_RETRYABLE_FAILURE',
    'w',
    cause,
  );
}

describe('the failure of a workflow', () => {
  it('is the sentence of the stage’s error, its type and the stage, without a stack trace', () => {
    const cause = ApplicationFailure.create({ message: 'batch 99 does not exist', type: 'NoData' });
    const failure = toWorkflowFailure(failedActivity(cause), 'prepare_batch') as ApplicationFailure;
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({
      message: 'batch 99 does not exist',
      type: 'NoData',
      nonRetryable: true,
      details: [{ stage: 'prepare_batch' }],
      stack: '',
    });
    expect(failure.cause).toBeUndefined();
  });

  it('of a cancelled run stays a cancellation', () => {
    const cancelled = new CancelledFailure('the run was cancelled');
    expect(toWorkflowFailure(cancelled, 'train')).toBe(cancelled);
  });
});
