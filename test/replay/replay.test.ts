import { readdirSync, readFileSync } from 'node:fs';
import proto from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { replay } from '../../worker/replay.ts';
import { largestPayload, MOST_PAYLOAD } from '../support/payloads.ts';
import { workflowSource } from '../../worker/workers.ts';

/** Histories recorded on real servers by `npm run record-histories`, run through the workflow code as it is. */

const { History } = proto.temporal.api.history.v1;
type Recorded = ReturnType<typeof History.create>;

const folder = new URL('./histories/', import.meta.url);
const names = readdirSync(folder).map((file) => file.replace('.json', ''));
const textOf = (name: string): string => readFileSync(new URL(`${name}.json`, folder), 'utf8');
const parsed = (text: string): Recorded => History.fromObject(JSON.parse(text) as object);

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
});

describe('recorded histories', () => {
  it('are those of every way a run can go', () => {
    expect(names.toSorted()).toEqual([
      'logVersion-completed',
      'logVersion-published',
      'nightly-completed',
      'promote-approved',
      'promote-promoted',
      'promote-rejected',
      'promote-rolled-back',
      'promote-waiting',
      'trainBatch-cached',
      'trainBatch-cancelled',
      'trainBatch-completed',
      'trainBatch-failed',
      'trainBatch-missing',
      'trainBatch-retried',
      'trainBatch-waiting',
    ]);
  });

  it.each(names)('%s lets nothing over 8 KiB cross', (name) => {
    const bytes = largestPayload(JSON.parse(textOf(name)));
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(MOST_PAYLOAD);
  });

  it.each([
    ['logVersion-completed', 'WORKFLOW_EXECUTION_COMPLETED'],
    ['logVersion-published', 'WORKFLOW_EXECUTION_COMPLETED'],
    ['nightly-completed', 'WORKFLOW_EXECUTION_COMPLETED'],
    ['promote-approved', 'WORKFLOW_EXECUTION_COMPLETED'],
    ['promote-promoted', 'WORKFLOW_EXECUTION_COMPLETED'],
    ['promote-rejected', 'WORKFLOW_EXECUTION_COMPLETED'],
    ['promote-rolled-back', 'WORKFLOW_EXECUTION_COMPLETED'],
    // It is open: a person may answer after the next deployment.
    ['promote-waiting', 'TIMER_STARTED|WORKFLOW_TASK_COMPLETED'],
    ['trainBatch-cached', 'WORKFLOW_EXECUTION_COMPLETED'],
    ['trainBatch-cancelled', 'WORKFLOW_EXECUTION_CANCELED'],
    ['trainBatch-completed', 'WORKFLOW_EXECUTION_COMPLETED'],
    ['trainBatch-failed', 'WORKFLOW_EXECUTION_FAILED'],
    ['trainBatch-missing', 'WORKFLOW_EXECUTION_COMPLETED'],
    ['trainBatch-retried', 'WORKFLOW_EXECUTION_COMPLETED'],
    ['trainBatch-waiting', 'WORKFLOW_EXECUTION_COMPLETED'],
  ])('%s ends in %s, and replays', async (name, end) => {
    const text = textOf(name);
    const { events } = JSON.parse(text) as { events: { eventType: string }[] };
    expect(events.at(-1)!.eventType).toMatch(new RegExp(`^EVENT_TYPE_(${end})$`));
    const source = workflowSource({ production: false });
    await Worker.runReplayHistory({ ...source, replayName: name }, parsed(text));
  });

  it('of a run in which another activity ran is reported as too old, in a sentence', async () => {
    const history = parsed(
      textOf('trainBatch-completed').replaceAll('"merge_data"', '"join_data"'),
    );
    const found = [];
    for await (const one of replay(workflowSource({ production: false }), [
      { workflowId: 'old', history },
    ]))
      found.push(one);
    expect(found).toHaveLength(1);
    expect(found[0]!.problem).toMatch(
      /^this history is too old for this code \(.+\): keep a worker/,
    );
  });
});
