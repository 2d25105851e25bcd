import {
  type WorkflowHandle,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type WorkflowUpdateHandle,
} from '@temporalio/client';
import type { Config } from '../../../config/environment.ts';
import { RETRAIN } from '../../../contract/command.ts';
import { SetupError } from '../../../contract/failures.ts';
import {
  approve,
  type Build,
  changeChampion,
  type PersonAnswer,
  promotionIdOf,
  type PromotionEvent,
  reject,
} from '../../../contract/promotion.ts';
import type { promote } from '../../../workflows/index.ts';
import { EXIT } from '../../context.ts';
import {
  describeAliasWarnings,
  describeEvent,
  explainNotWaiting,
  toEventDocument,
} from '../../promotion.ts';
import { foldText, print, printJson, say } from '../../print.ts';
import { type Session, withSession } from '../../session.ts';
import { explainStuck, NO_ANSWER, NO_WORKER, taskQueueHasWorker } from '../../waiting.ts';
import type { Decision } from './decide.ts';

/** How long a worker may take to accept a decision. */
const ANSWER_MS = 15_000;

/** Sends a person's decision to the workflow that changes the champion, and prints its answer. */
export async function sendDecision(
  config: Config,
  decision: Decision,
  json: boolean,
): Promise<number> {
  const { pipeline } = config;
  return withSession(config, ['temporal', 'storage'], async (session) => {
    // Who changes the champion means that of this moment, not the one when a worker takes the decision.
    const history = isVerdict(decision) ? undefined : await session.store.champions.read(pipeline);
    // The server would keep the decision, and a worker would execute it much later.
    if (!(await taskQueueHasWorker(session)))
      throw new SetupError(`nothing is decided, because ${NO_WORKER}`);
    const update = await send(session, decision, history?.champion ?? null);
    const event = await update.result();
    const { alias, warnings = [] } = event;
    if (json) printJson({ pipeline, ...toEventDocument(event), alias: alias ?? null, warnings });
    else print(foldText(describeEvent(pipeline, event), 2));
    for (const warning of describeAliasWarnings(pipeline, event)) say(warning, 'warning');
    if (event.action === ASKED[decision.action]) return 0;
    say(`version ${event.version} is ${event.action}: ${event.reason}`, 'warning');
    return EXIT.failed;
  });
}

/** What happens if a decision is carried out. */
const ASKED = {
  approve: 'promoted',
  reject: 'rejected',
  promote: 'promoted',
  rollback: 'rolled_back',
} as const satisfies Record<Decision['action'], PromotionEvent['action']>;

/** Whether a decision is about the build that waits, and not about the champion. */
function isVerdict(
  decision: Decision,
): decision is Extract<Decision, { action: 'approve' | 'reject' }> {
  return decision.action === 'approve' || decision.action === 'reject';
}

/**
 * Sends a decision, and waits until a worker has accepted it.
 * @param seen the champion, where the decision changes it: a change is refused where it is another one meanwhile
 * @throws MissingHistory when a version is approved or rejected that does not wait; SetupError when no worker answers
 */
async function send(
  session: Session,
  decision: Decision,
  seen: Build | null,
): Promise<WorkflowUpdateHandle<PersonAnswer>> {
  const { client, config, store } = session;
  const handle = client.workflow.getHandle<typeof promote>(promotionIdOf(config.pipeline));
  const { version, by, reason } = decision;
  const said = { by, reason };
  const call = (): Promise<WorkflowUpdateHandle<PersonAnswer>> =>
    isVerdict(decision)
      ? handle.startUpdate(decision.action === 'approve' ? approve : reject, {
          args: [
            { version, ...(decision.seq === undefined ? {} : { seq: decision.seq }), ...said },
          ],
          waitForStage: 'ACCEPTED',
        })
      : client.workflow.startUpdateWithStart(changeChampion, {
          args: [
            {
              action: ASKED[decision.action],
              ...(version === undefined ? {} : { version }),
              seen,
              ...said,
            },
          ],
          waitForStage: 'ACCEPTED',
          startWorkflowOperation: makePromotion(session),
        });
  try {
    return await client.connection.withDeadline(Date.now() + ANSWER_MS, call);
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) throw error;
    if (error instanceof WorkflowNotFoundError && isVerdict(decision))
      throw await explainNotWaiting(store, config.pipeline, decision.version);
    const why = await explainSilence(handle);
    throw new SetupError(
      `${handle.workflowId} has not accepted the decision: ${why}. It may still carry it out: "${RETRAIN} champion history --pipeline ${config.pipeline}" shows whether it has`,
      { cause: error },
    );
  }
}

/** Why the promotion does not answer. It may not have been started, and Temporal may be away. */
async function explainSilence(handle: WorkflowHandle<typeof promote>): Promise<string> {
  try {
    const { raw } = await handle.describe();
    return (await explainStuck(handle, raw)) ?? NO_ANSWER;
  } catch {
    return NO_ANSWER;
  }
}

/** The workflow that changes the champion: the running one, or a new one. */
function makePromotion({ config }: Session): WithStartWorkflowOperation<typeof promote> {
  const { pipeline, taskQueue } = config;
  return new WithStartWorkflowOperation<typeof promote>('promote', {
    workflowId: promotionIdOf(pipeline),
    workflowIdConflictPolicy: 'USE_EXISTING',
    taskQueue,
    args: [{ pipeline }],
    staticSummary: `${pipeline} · promotion`,
  });
}
