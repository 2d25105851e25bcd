import {
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  setHandler,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { RETRAIN } from '../contract/command.ts';
import { escapeMarkdown } from '../contract/markdown.ts';
import { isSameBuild } from '../contract/versions.ts';
import {
  promotionAnswered,
  promotionIdOf,
  propose,
  type PromoteInput,
  type PromotionOutcome,
  type PromotionView,
  type Proposal,
} from '../contract/promotion.ts';

/** How long a run waits for the promotion. It is answered in less than a second, unless a server is away. */
const PATIENCE = '1m';

/**
 * Proposes a published build to the promotion of its pipeline, and waits for the answer: it is the champion, or it waits
 * for a person. A build that the gate holds is not proposed; it only ends the wait of an earlier build of its version.
 */
export async function proposeBuild(proposal: Proposal): Promise<PromotionOutcome> {
  const { version, seq, decision } = proposal;
  const { champion, reason } = decision;
  if (decision.outcome === 'hold') {
    if (seq > 1) await reportHeld(proposal);
    return {
      version,
      seq,
      state: isSameBuild(champion, proposal) ? 'champion' : 'held',
      reason,
      champion,
      warnings: [],
    };
  }
  let outcome: PromotionOutcome | undefined;
  setHandler(promotionAnswered, (answer) => {
    if (isSameBuild(answer, proposal)) outcome = answer;
  });
  const { workflowId: replyTo, firstExecutionRunId: runId } = workflowInfo();
  await sendProposal({ ...proposal, replyTo, runId });
  await condition(() => outcome !== undefined, PATIENCE);
  return (
    outcome ?? {
      version,
      seq,
      state: 'proposed',
      reason: `the promotion had not answered when the run ended: "${RETRAIN} champion --pipeline ${proposal.pipeline}" shows its state`,
      champion,
      warnings: [],
    }
  );
}

/** Reports to the promotion, if one runs, that the published build of a version is another one now, which the gate holds. */
async function reportHeld(proposal: Proposal): Promise<void> {
  try {
    await getExternalWorkflowHandle(promotionIdOf(proposal.pipeline)).signal(propose, proposal);
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
}

/** Starts the promotion with a proposal, or sends it to the one that runs. That one may end in between. */
async function sendProposal(proposal: Proposal): Promise<void> {
  const { pipeline, trackingFolder } = proposal;
  const workflowId = promotionIdOf(pipeline);
  const folder = trackingFolder === undefined ? {} : { trackingFolder };
  for (;;) {
    try {
      await startChild<(input: PromoteInput) => Promise<PromotionView>>('promote', {
        workflowId,
        args: [{ pipeline, proposal, ...folder }],
        // It goes on when this run has ended or is cancelled, because it may wait for a person.
        parentClosePolicy: 'ABANDON',
        cancellationType: 'ABANDON',
        ...describePromotion(pipeline),
      });
      return;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    try {
      await getExternalWorkflowHandle(workflowId).signal(propose, proposal);
      return;
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.info('the promotion has ended in the meantime: it is started again', { error });
      await sleep('1s', { summary: 'before the promotion is started again' });
    }
  }
}

function describePromotion(pipeline: string): { staticSummary: string; staticDetails: string } {
  return {
    staticSummary: `${pipeline} · promotion`,
    staticDetails: [
      `Decides which version of **${escapeMarkdown(pipeline)}** is the champion, one at a time, in order of version.`,
      `- from a terminal: \`${RETRAIN} champion --pipeline ${pipeline}\`, \`${RETRAIN} champion history --pipeline ${pipeline}\``,
    ].join('\n\n'),
  };
}
