import type { ApprovalNotice } from '../contract/activities.ts';
import type { PromotionView, WaitingProposal } from '../contract/promotion.ts';
import { writeAnswers } from '../contract/versions.ts';

/** The wait of a proposal for a person: its reminders, its expiry, and what is shown of it. */

const HOUR_MS = 3_600_000;

/** When an approval expires; null: never. */
function findExpiry({ since, proposal }: WaitingProposal): string | null {
  const { expiry_hours: hours } = proposal.gate;
  return hours === null ? null : new Date(Date.parse(since) + hours * HOUR_MS).toISOString();
}

export function isExpired(waiting: WaitingProposal): boolean {
  const expiry = findExpiry(waiting);
  return expiry !== null && Date.now() >= Date.parse(expiry);
}

/** When the next reminder or the expiry is due, in milliseconds since 1970. */
export function findNextTimer(waiting: WaitingProposal): number {
  const { since, notices, proposal } = waiting;
  const reminder = Date.parse(since) + notices * proposal.gate.reminder_hours * HOUR_MS;
  const expiry = findExpiry(waiting);
  return expiry === null ? reminder : Math.min(reminder, Date.parse(expiry));
}

/** The notice that is due now. Of reminders that were due while no worker ran, it is the last. */
export function makeNotice(waiting: WaitingProposal): ApprovalNotice {
  const { proposal, since, notices } = waiting;
  const { pipeline, version, seq, decision, gate } = proposal;
  const interval = gate.reminder_hours * HOUR_MS;
  return {
    event: 'approval',
    pipeline,
    version: { version, seq },
    decision,
    since,
    until: findExpiry(waiting),
    reminder: Math.max(notices, Math.floor((Date.now() - Date.parse(since)) / interval)),
    ...writeAnswers(pipeline, { version, seq }),
  };
}

/** The part of a proposal that waits which people see. */
export function toWaitingView(waiting: WaitingProposal): NonNullable<PromotionView['waiting']> {
  const { version, seq, decision } = waiting.proposal;
  return { version, seq, decision, since: waiting.since, until: findExpiry(waiting) };
}
