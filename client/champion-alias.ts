import { RETRAIN } from '../contract/command.ts';
import { messageOf } from '../contract/failures.ts';
import { CHAMPION_ALIAS } from '../contract/promotion.ts';
import type { Session } from './session.ts';
import type { TrackedNow } from './versions.ts';

/** Whether MLflow's alias `champion` agrees with the record of promotions. */
export interface AliasNow {
  /** `absent`: no alias can be there. `unknown`: MLflow does not say. */
  state: 'agrees' | 'differs' | 'absent' | 'unknown';
  /** The version in the registry that it should name; null where the champion is not registered. */
  expected: string | null;
  /** The version that it names; null for none. */
  found: string | null;
  /** Why it is absent or unknown. */
  reason: string | null;
}

/** Compares the alias in the registry with the champion of the record. */
export async function readAlias(
  { tracker }: Pick<Session, 'tracker'>,
  tracked: TrackedNow | null,
): Promise<AliasNow> {
  const expected = tracked?.modelVersion ?? null;
  const absent = (reason: string): AliasNow => ({ state: 'absent', expected, found: null, reason });
  if (tracked === null) return absent('the champion is not logged');
  try {
    const found = await tracker.getAlias({ name: tracked.modelName, alias: CHAMPION_ALIAS });
    if (found === undefined) return absent('a tracking directory has no registry of models');
    if (expected === null) return absent('the champion is not registered');
    return { state: found === expected ? 'agrees' : 'differs', expected, found, reason: null };
  } catch (error) {
    return { state: 'unknown', expected, found: null, reason: messageOf(error) };
  }
}

/** What the alias says, in a few words. */
export function describeAlias({ state, expected, found, reason }: AliasNow): string {
  const at = found === null ? 'missing' : `at version ${found}`;
  if (state === 'agrees') return `champion is ${at} of the registered model, as recorded`;
  if (state === 'differs')
    return `champion is ${at} and should be at version ${expected} of the registered model`;
  return `${state === 'absent' ? 'champion is missing' : 'champion is not known'}: ${reason}`;
}

/** The command that points the alias at the champion again. */
export function repairAlias(pipeline: string, version: number): string {
  return `${RETRAIN} log ${version} --pipeline ${pipeline}`;
}
