import { deadline } from '../store/signal.ts';
import { BadParams, messageOf, SetupError, WebhookUnavailable } from '../contract/failures.ts';
import { findHeadline, formatScore } from '../contract/metric-sets.ts';
import type { NotifyRequest } from '../contract/activities.ts';
import type { Execution } from '../contract/execution.ts';

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
 * Reports to the webhook how a run ended. If an answer is lost, it reports the same end twice.
 * @throws WebhookUnavailable where a retry can help; SetupError where the receiver refuses
 */
export async function notify(
  webhook: URL | undefined,
  request: NotifyRequest,
  { workflowId, runId, signal }: Pick<Execution, 'workflowId' | 'runId' | 'signal'>,
): Promise<void> {
  if (webhook === undefined) return; // it was removed after the run began
  const { message: _, ...facts } = request;
  const body = {
    schema: 1,
    text: writeText(request),
    ...facts,
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

/** One line for a chat: Slack and others show `text`. */
function writeText({
  outcome,
  pipeline,
  batch,
  version,
  metrics,
  error,
  message,
}: NotifyRequest): string {
  const score = findHeadline(metrics ?? {});
  const scored = score === undefined ? '' : `, ${score.name} ${formatScore(score.value)}`;
  const made = version === null ? message : `version ${version.version}, build ${version.seq}`;
  const why = error === null ? made + scored : `${error.stage ?? 'the run'}: ${error.message}`;
  return `${pipeline} · batch ${batch} ${outcome}: ${why}`
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
