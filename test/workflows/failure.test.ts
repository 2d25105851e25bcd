import { describe, expect, it } from 'vitest';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  RetryState,
} from '@temporalio/common';
import { findDamaged, hasTrackingMoved, toWorkflowFailure } from '../../workflows/failure.ts';

const ofActivity = (cause?: Error): ActivityFailure =>
  new ActivityFailure(
    'activity failed',
    'train',
    'id',
    RetryState.NON_RETRYABLE_FAILURE,
    'w',
    cause,
  );
const ofChild = (cause?: Error): ChildWorkflowFailure =>
  new ChildWorkflowFailure(
    'n',
    { workflowId: 'w', runId: 'r' },
    'trainBatch',
    RetryState.NON_RETRYABLE_FAILURE,
    cause,
  );
const application = (type?: string, ...details: unknown[]): ApplicationFailure =>
  ApplicationFailure.create({
    message: 'what happened',
    ...(type === undefined ? {} : { type }),
    details,
  });

describe('the failure of a workflow', () => {
  it.each([
    ['an activity', ofActivity],
    ['a child workflow', ofChild],
    ['its own code', (cause: Error) => cause],
  ])('has the sentence and the type of that of %s, and the stage', (_, wrap) => {
    const failure = toWorkflowFailure(wrap(application('BadData')), 'train') as ApplicationFailure;
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({
      message: 'what happened',
      type: 'BadData',
      nonRetryable: true,
      details: [{ stage: 'train' }],
      stack: '',
    });
    expect(failure.cause).toBeUndefined();
  });

  it('keeps the facts of its cause, by which the client sends a damaged object again', () => {
    const ref = { path: 'data/raw/a.csv', md5: 'a' };
    const damaged = ofActivity(application('DamagedArtifact', { ref }));
    expect(toWorkflowFailure(damaged, 'prepare_batch')).toMatchObject({
      details: [{ ref, stage: 'prepare_batch' }],
    });
  });

  it('names the stage of a child that failed', () => {
    const failed = ofChild(application('BadData', { stage: 'train' }));
    expect(toWorkflowFailure(failed, undefined)).toMatchObject({ details: [{ stage: 'train' }] });
  });

  it('has no stage before the first one', () => {
    expect(toWorkflowFailure(application(), undefined)).toMatchObject({
      type: 'Error',
      details: [{ stage: null }],
    });
  });

  it('is a cancellation, or an error of another kind, as it was', () => {
    const cancelled = ofActivity(new CancelledFailure('cancelled'));
    expect(toWorkflowFailure(cancelled, 'train')).toBe(cancelled);
    const timedOut = ofActivity(new Error('timed out'));
    expect(toWorkflowFailure(timedOut, 'train')).toBe(timedOut);
    expect(toWorkflowFailure('text', 'train')).toBe('text');
  });
});

describe('a damaged object', () => {
  const ref = { path: 'a', md5: 'b', sha256: 'c', size: 1 };

  it('is found in the failure of an activity that names it', () => {
    const failure = ofActivity(application('DamagedArtifact', { ref }));
    expect(findDamaged(failure)).toEqual({ path: 'a', md5: 'b' });
  });

  it('is in no other failure', () => {
    expect(findDamaged(ofActivity(application('DamagedArtifact')))).toBeUndefined();
    expect(findDamaged(ofActivity(application('DamagedArtifact', { key: 'k' })))).toBeUndefined();
    expect(findDamaged(ofActivity(application('BadData', { ref })))).toBeUndefined();
    expect(findDamaged(ofActivity(new Error('x')))).toBeUndefined();
    expect(findDamaged(application('DamagedArtifact', { ref }))).toBeUndefined();
    expect(findDamaged(undefined)).toBeUndefined();
  });
});

it('a server that has moved is seen by the type of the failure', () => {
  expect(hasTrackingMoved(ofActivity(application('TrackingMoved')))).toBe(true);
  expect(hasTrackingMoved(ofActivity(application('TrackingRefused')))).toBe(false);
  expect(hasTrackingMoved(new Error('TrackingMoved'))).toBe(false);
});
