import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultPayloadConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import { describe, expect, it } from 'vitest';
import { formatBar } from '../../client/format.ts';
import type { StageView } from '../../client/follow.ts';
import { formatAge } from '../../client/format.ts';
import { applyPending } from '../../client/follow.ts';
import {
  explainMlflowStart,
  listPendingStages,
  type Described,
  type Pending,
} from '../../client/waiting.ts';
import { explainStuck, explainNoWorker } from '../../client/waiting.ts';
import { DEFAULT_PORTS } from '../../infra/ports.ts';
import { processIdentity } from '../../store/process-identity.ts';

const { PendingActivityState, TimeoutType } = proto.temporal.api.enums.v1;

const described = (activity: object): Described => ({
  pendingActivities: [{ activityType: { name: 'train' }, ...activity }],
});

const pending = (activity: object): Pending[] => listPendingStages(described(activity));

describe('a stage under way', () => {
  it('shows how far its heartbeats say it is', () => {
    const view: StageView = { stage: 'train', state: 'running' };
    const progress = { stage: 'train', fraction: 0.5, rows: 1_200_000 };
    const heartbeatDetails = { payloads: [defaultPayloadConverter.toPayload(progress)] };
    const stages = new Map([['train', view]]);
    expect(applyPending(pending({ attempt: 1, heartbeatDetails }), stages)).toBe(true);
    expect(formatBar(view.progress!)).toBe('━━━━━━━━━━──────────  50 %  1.2 M rows');
  });

  it('shows the cause of a retry, and nothing while its first try runs', () => {
    const view: StageView = { stage: 'train', state: 'running' };
    const stages = new Map([['train', view]]);
    expect(applyPending(pending({ attempt: 1 }), stages)).toBe(false);
    applyPending(pending({ attempt: 3, lastFailure: { message: 'S3 is down' } }), stages);
    expect(view).toMatchObject({ state: 'retrying', note: 'attempt 3: S3 is down' });
  });

  it.each([
    [TimeoutType.TIMEOUT_TYPE_HEARTBEAT, 'the worker of the attempt before stopped reporting'],
    [TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE, 'took longer than it may'],
  ])('says in words why it is tried again after a timeout of type %i', (timeoutType, words) => {
    const lastFailure = { message: 'activity timeout', timeoutFailureInfo: { timeoutType } };
    const [{ message } = {}] = pending({ attempt: 2, lastFailure });
    expect(message).toContain(words);
    expect(message).toContain('is tried again');
  });

  it('waits for the local MLflow as long as that starts, and is retried after that', async () => {
    const stackDir = mkdtempSync(join(tmpdir(), 'waiting-'));
    const start = (since: Date): void => {
      const { pid } = process;
      const record = { pid, identity: processIdentity(pid), since: since.toISOString() };
      mkdirSync(join(stackDir, 'run'), { recursive: true });
      writeFileSync(join(stackDir, 'run', 'mlflow.json'), JSON.stringify(record));
      writeFileSync(
        join(stackDir, 'stack.json'),
        JSON.stringify({ schema: 1, ports: DEFAULT_PORTS }),
      );
    };
    const message = 'the MLflow server does not answer';
    const explain = async (type: string, uri = 'http://127.0.0.1:5000') => {
      const lastFailure = { message, applicationFailureInfo: { type } };
      const config = { stackDir, tracking: { uri } };
      const [one] = await explainMlflowStart(pending({ attempt: 2, lastFailure }), config);
      return one!.message;
    };
    start(new Date());
    expect(await explain('TrackingUnavailable')).toContain('MLflow is still starting');
    expect(await explain('TrackingUnavailable', 'http://mlflow.example.com:80')).toBe(message);
    expect(await explain('StorageUnavailable')).toBe(message);
    start(new Date(Date.now() - 3_600_000));
    expect(await explain('TrackingUnavailable')).toBe(message);
    rmSync(stackDir, { recursive: true });
  });

  it('says when it was last heard of', () => {
    const times = { lastStartedTime: { seconds: 60 }, lastHeartbeatTime: { seconds: 90 } };
    expect(listPendingStages(described(times))[0]!.heardAt).toBe('1970-01-01T00:01:30.000Z');
    expect(listPendingStages(described({ attempt: 1 }))[0]!.heardAt).toBeNull();
  });

  it.each([
    [0, 'just now'],
    [1, '1 second ago'],
    [59, '59 seconds ago'],
    [7_300, '2 hours ago'],
    [86_400, '1 day ago'],
    [-5, 'just now'],
  ])('that was heard of %d seconds ago shows this as "%s"', (seconds, written) => {
    expect(formatAge(new Date(0).toISOString(), seconds * 1_000)).toBe(written);
  });

  it('waits for a worker once no worker has taken its task for a while', () => {
    const state = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED;
    const untaken = described({ state, scheduledTime: { seconds: 100 } });
    expect(explainNoWorker(untaken, 105_000)).toBeUndefined();
    expect(explainNoWorker(untaken, 130_000)).toContain(
      'no worker has taken its next task for 30 s',
    );
    const started = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED;
    const taken = described({ state: started, scheduledTime: { seconds: 100 } });
    expect(explainNoWorker(taken, 130_000)).toBeUndefined();
  });
});

describe('a run that the code of the workers cannot go on with', () => {
  const reason = (message: string) =>
    explainStuck(
      {
        workflowId: 'iris-batch-3',
        fetchHistory: async () =>
          proto.temporal.api.history.v1.History.create({
            events: [{ workflowTaskFailedEventAttributes: { failure: { message } } }],
          }),
      },
      { pendingWorkflowTask: { attempt: 5 } },
    );
  const end =
    'or end it with "temporal workflow terminate --workflow-id iris-batch-3" and run the batch again, from what is stored';

  it('says where its history differs, and how to end it', async () => {
    expect(await reason('[TMPRL1100] Nondeterminism error: Activity type does not match')).toBe(
      'the running workers cannot continue this run because it began on other code (Activity type does not match): ' +
        `start a worker of the build it began on, ${end}`,
    );
  });

  it('says that an error of the workflow may be one of code that is newer than the run', async () => {
    expect(await reason('no stage has handed on ledgerRevision')).toBe(
      'the running workers cannot continue this run because their code fails on it (no stage has handed on ledgerRevision); ' +
        'either it began on other code, or theirs has a fault: ' +
        `start a worker of the build it began on, or with repaired code, ${end}`,
    );
  });
});
