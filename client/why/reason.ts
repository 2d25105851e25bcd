import { canonicalJson } from '../../contract/canonical-json.ts';
import type { StageName } from '../../contract/stages.ts';
import type { Difference } from '../compare/identity.ts';

/** Why a stage runs, or ran. */
export type Reason =
  | Difference
  /** No build of this version had it. */
  | { kind: 'new' }
  /** What it reads is made by a stage that runs, so it will change or cannot be known. */
  | { kind: 'upstream'; stage: StageName }
  /** What it reads is on the worker alone. */
  | { kind: 'unknown'; name: string }
  /** What it reads is looked at again by the worker. */
  | { kind: 'looks'; name: string }
  /** An output is missing from the store, or damaged. */
  | { kind: 'missing'; path: string }
  /** Nothing differs from the last time, whose entry is no longer in the cache. */
  | { kind: 'forgotten' }
  /** Nothing differs from the last time. */
  | { kind: 'again' };

/** The most reasons a phrase gives; JSON has all. */
const MOST = 3;

/** Reasons as a person reads them: `model.max_depth 5 → 3; train runs`. */
export function phraseOf(reasons: readonly Reason[]): string {
  const more = reasons.length - MOST;
  const phrases = reasons.slice(0, MOST).map(one);
  return [...phrases, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function one(reason: Reason): string {
  switch (reason.kind) {
    case 'new':
      return 'never run before';
    case 'upstream':
      return `${reason.stage} runs`;
    case 'unknown':
      return `${reason.name} is not here: only a worker can tell`;
    case 'looks':
      return `it looks at ${reason.name} again, as the rows that are known do not fill this batch`;
    case 'missing':
      return `${reason.path} is missing or damaged in the store`;
    case 'forgotten':
      return 'its last run is no longer in the cache';
    case 'again':
      return 'nothing differs: forced, or made again';
    case 'input':
      return `${reason.name} ${short(reason.old)} → ${short(reason.new)}`;
    case 'code':
      return `code version ${shown(reason.old)} → ${shown(reason.new)}`;
    default:
      return `${reason.name} ${shown(reason.old)} → ${shown(reason.new)}`;
  }
}

/** Enough of an MD5 to tell two apart. */
export function short(md5: unknown): string {
  return String(md5).slice(0, 8);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : canonicalJson(value ?? null);
}
