import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, describe, expect, it } from 'vitest';
import type { NightlySummary } from '../../contract/nightly.ts';
import type { Shown } from '../../client/commands/schedule/show.ts';
import { ROOT, succeed } from '../support/project.ts';
import { runScript } from '../support/shell.ts';
import { withProject } from '../support/with-project.ts';

/** What happens while nobody looks: a cron, a schedule whose nightly fails, and who is notified. */

interface Event {
  event: string;
  pipeline: string;
  batch: number;
  text: string;
  workflow_id: string;
  [more: string]: unknown;
}

const posted: Event[] = [];

/** How often the receiver answers 503 to the events of a pipeline before it accepts one. */
const REFUSALS: Record<string, number> = { flaky: 2 };

const receiver = createServer((request, response) => {
  let text = '';
  request.on('data', (chunk: Buffer) => (text += chunk.toString()));
  request.on('end', () => {
    const body = JSON.parse(text) as Event;
    posted.push(body);
    const before = posted.filter(({ pipeline }) => pipeline === body.pipeline).length;
    response.writeHead(before > (REFUSALS[body.pipeline] ?? 0) ? 200 : 503).end();
  });
});
await once(receiver.listen(0, '127.0.0.1'), 'listening');
afterAll(() => receiver.close());

const { port } = receiver.address() as AddressInfo;
const project = withProject('unattended', {
  env: { RETRAIN_WEBHOOK_URL: `http://127.0.0.1:${port}/hooks/s3cret` },
  prepare: ({ editParams }) => editParams({ 'batch_size: 50': 'batch_size: 150' }),
});
const { temporal } = project;

async function describeBroken(): Promise<Shown> {
  const { stdout } = await succeed(
    project.client('schedule', 'describe', '--pipeline', 'broken', '--json'),
  );
  return JSON.parse(stdout) as Shown;
}

/** The ends of a workflow's runs, oldest first; what they returned. */
async function endsOf(workflowId: string): Promise<{ runId: string; state: string }[]> {
  const ends = [];
  for await (const { runId, status, startTime } of temporal.workflow.list({
    query: `WorkflowId = '${workflowId}'`,
  })) {
    if (status.name !== 'COMPLETED') continue;
    const { events } = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    const { result } = events!.at(-1)!.workflowExecutionCompletedEventAttributes!;
    const { state } = defaultPayloadConverter.fromPayload<NightlySummary>(result!.payloads![0]!);
    ends.push({ runId, startTime, state });
  }
  return ends.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
}

describe('nightly under a plain cron', () => {
  it('runs what is pending, then is a quick success each time, and the next one is there', async () => {
    const page = readFileSync(join(ROOT, 'docs', 'other-clients.md'), 'utf8');
    const [command] = /^temporal workflow start.*\\\n.*--cron '.+'\n/m.exec(page)!;
    // As it is typed, but for how often the cron fires.
    await runScript(project, command.replace(/--cron '.+'/, "--cron '@every 1s'"));
    await expect
      .poll(async () => (await endsOf('iris-nightly-cron')).slice(0, 2).map(({ state }) => state), {
        timeout: 120_000,
        interval: 1_000,
      })
      .toEqual([
        'batch 1 of iris done; version 1 promoted: there is no champion yet',
        'nothing to do: no batch of iris is pending',
      ]);
    const next = temporal.workflow.getHandle('iris-nightly-cron');
    const { status } = await next.describe();
    expect(status.name).toBe('RUNNING');
    const { events } = await next.fetchHistory();
    expect(events![0]!.workflowExecutionStartedEventAttributes).toMatchObject({
      cronSchedule: '@every 1s',
      workflowType: { name: 'nightly' },
    });
    await next.terminate();
  });
});

describe('a schedule whose nightly fails', () => {
  it('is paused, and says why, by what rules it goes, and how to go on', async () => {
    const flags = ['--pipeline', 'broken', '--timezone', 'UTC', '--set', 'data.target=nope'];
    await succeed(project.client('schedule', 'create', ...flags));
    await succeed(project.client('schedule', 'trigger', '--pipeline', 'broken'));
    await expect
      .poll(async () => (await describeBroken()).paused, { timeout: 120_000, interval: 2_000 })
      .toBe(true);
    const shown = await describeBroken();
    expect(shown.note).toMatch(/^paused due to workflow failure/);
    expect(shown.rules).toEqual({
      overlap: 'SKIP',
      catchupMs: 12 * 3_600_000,
      pauseOnFailure: true,
      jitterMs: 60_000,
    });
    const { stdout } = await succeed(
      project.client('schedule', 'describe', '--pipeline', 'broken'),
    );
    expect(stdout).toMatch(/^broken-nightly: 30 4 \* \* \* UTC, paused$/m);
    expect(stdout).toMatch(/^note {2}paused due to workflow failure/m);
    expect(stdout).toContain('a missed start runs within 12 h');
    expect(stdout).toContain('resumed: npx retrain schedule resume --pipeline broken');
    expect(stdout).toMatch(
      /^last {2}broken-nightly-\S+ failed {2}batch 1 of broken failed: .*nope/m,
    );
    await succeed(project.client('schedule', 'resume', '--pipeline', 'broken'));
    expect(await describeBroken()).toMatchObject({ paused: false });
  });

  it('posts to the webhook which batch failed, in which stage, and why', () => {
    const failed = posted.filter(({ pipeline }) => pipeline === 'broken');
    expect(failed).toEqual([
      expect.objectContaining({
        schema: 1,
        event: 'failed',
        outcome: 'failed',
        batch: 1,
        version: null,
        metrics: null,
        workflow_id: 'broken-batch-1',
        text: expect.stringMatching(/^broken · batch 1 failed: get_data: .*nope/),
        error: expect.objectContaining({
          stage: 'get_data',
          message: expect.stringContaining('nope'),
        }),
      }),
    ]);
  });
});

/** Bytes of a payload, which JSON has as numbers, as their text. */
function asText(value: unknown): unknown {
  const { type, data } = (value ?? {}) as { type?: string; data?: number[] };
  return type === 'Buffer' ? Buffer.from(data!).toString('utf8') : value;
}

describe('the webhook', () => {
  it('is sent an event again until it accepts it, and its secret stays out of the history', async () => {
    await succeed(
      project.client('run', '1', '--pipeline', 'flaky', '--set', 'model.max_depth=3', '--publish'),
    );
    const flaky = posted.filter(({ pipeline }) => pipeline === 'flaky');
    expect(flaky).toHaveLength(3);
    expect(new Set(flaky.map((body) => JSON.stringify(body)))).toHaveProperty('size', 1);
    expect(flaky[0]).toMatchObject({
      event: 'completed',
      outcome: 'trained',
      batch: 1,
      version: { version: 1, seq: 1 },
      metrics: { accuracy: expect.any(Number) },
      error: null,
      links: { artifacts: expect.stringMatching(/^s3:/), run: expect.stringContaining('/runs/') },
      workflow_id: 'flaky-batch-1',
      text: expect.stringMatching(
        /^flaky · batch 1 trained: version 1, build 1, accuracy 0\.\d{4}$/,
      ),
    });
    const history = await temporal.workflow.getHandle('flaky-batch-1').fetchHistory();
    const text = JSON.stringify(history, (_, value: unknown) => asText(value));
    expect(text).toContain('answered 503: it is asked again');
    expect(text).not.toContain('s3cret');
  });
});
