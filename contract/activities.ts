import type { FindPendingRequest, PendingBatches, PinnedNightly } from './nightly.ts';
import type {
  ChangeRequest,
  DecideRequest,
  Entered,
  GateDecision,
  NoteRequest,
  PinnedPromotion,
  PromoteAnswer,
  PromoteRequest,
  PromotionEvent,
  Proposal,
} from './promotion.ts';
import type { StageName, StageRequest, StageResult } from './stages.ts';
import type { PinnedRun, RunFailure } from './train-batch.ts';
import type { LoggedVersion, LogVersionInput, PublishRequest, PublishResult } from './versions.ts';

/** The activity of each stage. */
export type StageActivities = {
  [Stage in StageName]: (request: StageRequest<Stage>) => Promise<StageResult<Stage>>;
};

/** The activities of a worker, under their names in a history. */
export interface Activities extends StageActivities {
  /** Checks the input of a run, which anyone can send, and fixes its params. */
  pin_run: (input: unknown) => Promise<PinnedRun>;
  pin_nightly: (input: unknown) => Promise<PinnedNightly>;
  find_missing: (request: FindMissingRequest) => Promise<number[]>;
  find_pending: (request: FindPendingRequest) => Promise<PendingBatches>;
  publish_version: (request: PublishRequest) => Promise<PublishResult>;
  log_version: (input: LogVersionInput) => Promise<LoggedVersion>;
  pin_promotion: (input: unknown) => Promise<PinnedPromotion>;
  promote_version: (request: PromoteRequest) => Promise<PromoteAnswer>;
  change_champion: (request: ChangeRequest) => Promise<Entered>;
  note_promotion: (request: NoteRequest) => Promise<PromotionEvent>;
  decide_again: (request: DecideRequest) => Promise<Pick<Proposal, 'decision' | 'gate'>>;
  close_runs: (request: CloseRunsRequest) => Promise<void>;
  notify: (request: NotifyRequest) => Promise<void>;
}

export interface CloseRunsRequest {
  /** Absent in histories of an earlier program. */
  pipeline?: string;
  status: 'FINISHED' | 'FAILED' | 'KILLED';
}

/** What is sent to the webhook. */
export type NotifyRequest = EndNotice | ApprovalNotice;

/** A version waits for the approval of a person. */
export interface ApprovalNotice {
  event: 'approval';
  pipeline: string;
  version: { version: number; seq: number };
  decision: GateDecision;
  /** ISO 8601, UTC. */
  since: string;
  /** When the approval expires; null: never. */
  until: string | null;
  /** 0 for the first notice, then the number of the reminder. */
  reminder: number;
  /** The commands that a person can paste. */
  approve: string;
  reject: string;
}

/** How a run ended. */
export interface EndNotice {
  event: 'completed' | 'failed';
  outcome: string;
  pipeline: string;
  batch: number;
  version: { version: number; seq: number } | null;
  metrics: Record<string, number> | null;
  error: RunFailure | null;
  links: Record<string, string>;
  /** A sentence for a run that made no version. */
  message: string;
}

export interface FindMissingRequest {
  pipeline: string;
  /** The version before which versions are missing. */
  before: number;
}
