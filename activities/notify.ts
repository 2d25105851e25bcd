import { deadline } from '../store/signal.ts';
import { BadParams, messageOf, SetupError, WebhookUnavailable } from '../contract/failures.ts';
import { findHeadline, formatScore } from '../contract/metric-sets.ts';
import type { ApprovalNotice, EndNotice, NotifyRequest } from '../contract/activities.ts';
import type { Execution } from '../contract/execution.ts';
import { makeTemporalLink } from '../contract/links.ts';

const ANSWER_MS = 10_000;

/**
 * The webhook, RETRAIN_WEBHOOK_URL. It is not in params.yaml, because such URLs are secrets.
 * @throws BadParams when it is not an http or https URL; the message does not repeat it.
 */
export function readWebhook(env: NodeJS.ProcessEnv): URL | undefined {
  const text = env['RETRAIN_WEBHOOK_URL'];
  if (text === undefined || text === '') return undefined;
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new BadParams('RETRAIN_WEBHOOK_URL is not an http or https URL: correct or unset it');
  return new URL(text);
}

/**
 * Reports to the webhook how a run ended, or that a version waits for approval. If an answer is lost, it reports the
 * same twice.
 * @throws WebhookUnavailable where a retry can help; SetupError where the receiver refuses
 */
export async function notify(
  {
    webhook,
    temporal,
  }: { webhook?: URL | undefined; temporal: Parameters<typeof makeTemporalLink>[0] },
  request: NotifyRequest,
  { workflowId, runId, signal }: Pick<Execution, 'workflowId' | 'runId' | 'signal'>,
): Promise<void> {
  if (webhook === undefined) return; // it was removed after the run began
  const body = {
    schema: 1,
    ...writeBody(request, makeTemporalLink(temporal, { workflowId, runId })),
    workflow_id: workflowId,
    run_id: runId,
  };
  const late = deadline(ANSWER_MS, signal);
  let response: Response;
  try {
    response = await fetch(webhook, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'manual', // the report is for this receiver only
      signal: late.signal,
    });
  } catch (error) {
    throw new WebhookUnavailable(
      `the webhook at ${webhook.host} does not answer (${messageOf(error)}): check that it runs`,
    );
  } finally {
    late.clear();
  }
  await response.body?.cancel();
  if (response.ok) return;
  const said = `the webhook at ${webhook.host} answered ${response.status}`;
  if (response.status >= 500 || response.status === 408 || response.status === 429)
    throw new WebhookUnavailable(`${said}: it is asked again`);
  throw new SetupError(`${said}: check RETRAIN_WEBHOOK_URL of the worker`);
}

/** The body of a report. Slack and others show `text`, which is one line. */
function writeBody(request: NotifyRequest, page: string): Record<string, unknown> {
  if (request.event === 'approval')
    return { text: escapeText(describeWaiting(request, page)), ...request, links: { page } };
  const { message: _, ...facts } = request;
  return { text: escapeText(describeEnd(request)), ...facts };
}

function describeWaiting(
  { pipeline, version: { version, seq }, decision, until, reminder, approve }: ApprovalNotice,
  page: string,
): string {
  const again = reminder === 0 ? '' : ` (reminder ${reminder})`;
  const end = until === null ? '' : `, until ${until}`;
  return `${pipeline} · version ${version}, build ${seq}, waits for approval${again}${end}: ${decision.reason}. Approve it with: ${approve} · ${page}`;
}

function describeEnd({
  outcome,
  pipeline,
  batch,
  version,
  metrics,
  error,
  message,
}: EndNotice): string {
  const score = findHeadline(metrics ?? {});
  const scored = score === undefined ? '' : `, ${score.name} ${formatScore(score.value)}`;
  const made = version === null ? message : `version ${version.version}, build ${version.seq}`;
  const why = error === null ? made + scored : `${error.stage ?? 'the run'}: ${error.message}`;
  return `${pipeline} · batch ${batch} ${outcome}: ${why}`;
}

/** Slack reads `<…>` as a link, or as a mention of everybody. */
function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
