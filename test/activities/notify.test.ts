import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ApprovalNotice, EndNotice } from '../../contract/activities.ts';
import { BadParams } from '../../contract/failures.ts';
import { notify, readWebhook } from '../../activities/notify.ts';
import { makeDecision } from '../support/promotions.ts';

let server: Server | undefined;

afterEach(() => server?.close());

/** A receiver that answers with these statuses in turn, and keeps what it was sent. */
async function receiver(...statuses: number[]): Promise<{ url: URL; bodies: unknown[] }> {
  const bodies: unknown[] = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      bodies.push(JSON.parse(text));
      response.writeHead(statuses.shift() ?? 200, { location: 'http://127.0.0.1:9/' }).end();
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server!.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${port}/secret`), bodies };
}

const temporal = { webUi: 'http://localhost:8233', namespace: 'default' };
const execution = { workflowId: 'w', runId: 'r', signal: new AbortController().signal };
const request: EndNotice = {
  event: 'completed',
  outcome: 'trained',
  pipeline: 'iris',
  batch: 2,
  version: { version: 2, seq: 1 },
  metrics: { accuracy: 0.9 },
  error: null,
  links: { artifacts: 's3://bucket' },
  message: '',
};

describe('the webhook', () => {
  it('is asked again after a 5xx, and receives which run ended how, with a line for a chat', async () => {
    const { url, bodies } = await receiver(503);
    await expect(notify({ webhook: url, temporal }, request, execution)).rejects.toMatchObject({
      name: 'WebhookUnavailable',
      retryable: true,
    });
    await notify({ webhook: url, temporal }, request, execution);
    expect(bodies[1]).toEqual({
      schema: 1,
      text: 'iris · batch 2 trained: version 2, build 1, accuracy 0.9000',
      event: 'completed',
      outcome: 'trained',
      pipeline: 'iris',
      batch: 2,
      version: { version: 2, seq: 1 },
      metrics: { accuracy: 0.9 },
      error: null,
      links: { artifacts: 's3://bucket' },
      workflow_id: 'w',
      run_id: 'r',
    });
  });

  it.each([404, 302])('a %d is not tried again, and its address stays secret', async (status) => {
    const { url } = await receiver(status);
    const notified = notify({ webhook: url, temporal }, request, execution);
    await expect(notified).rejects.toMatchObject({ name: 'SetupError', retryable: false });
    await expect(notified).rejects.not.toMatchObject({
      message: expect.stringContaining('secret'),
    });
  });

  it('tells why a run failed, as text', async () => {
    const { url, bodies } = await receiver();
    const error = { type: 'BadData', message: 'row 3 has <b>', stage: 'get_data' };
    await notify(
      { webhook: url, temporal },
      { ...request, event: 'failed', outcome: 'failed', error },
      execution,
    );
    expect(bodies[0]).toMatchObject({
      text: 'iris · batch 2 failed: get_data: row 3 has &lt;b&gt;',
    });
  });

  it('names the version that waits for approval, the reason, and the command that approves it', async () => {
    const { url, bodies } = await receiver();
    const waiting: ApprovalNotice = {
      event: 'approval',
      pipeline: 'iris',
      version: { version: 3, seq: 1 },
      decision: makeDecision(
        { version: 2, seq: 1 },
        { reason: 'its accuracy is not shown to be worse <b>' },
      ),
      since: '2026-11-29T11:00:00.000Z',
      until: '2026-12-01T11:00:00.000Z',
      reminder: 2,
      approve: 'npx retrain approve 3 --reason REASON --pipeline iris',
      reject: 'npx retrain reject 3 --reason REASON --pipeline iris',
    };
    await notify({ webhook: url, temporal }, waiting, execution);
    expect(bodies[0]).toEqual({
      schema: 1,
      text: 'iris · version 3, build 1, waits for approval (reminder 2), until 2026-12-01T11:00:00.000Z: its accuracy is not shown to be worse &lt;b&gt;. Approve it with: npx retrain approve 3 --reason REASON --pipeline iris · http://localhost:8233/namespaces/default/workflows/w/r/history',
      ...waiting,
      links: { page: 'http://localhost:8233/namespaces/default/workflows/w/r/history' },
      workflow_id: 'w',
      run_id: 'r',
    });
  });

  it('is refused where it is no URL, without repeating it', () => {
    expect(() => readWebhook({ RETRAIN_WEBHOOK_URL: 'ftp://s3cret' })).toThrow(
      new BadParams('RETRAIN_WEBHOOK_URL is not an http or https URL: correct or unset it'),
    );
    expect(readWebhook({})).toBeUndefined();
  });
});
