import { messageOf, splitSentence } from '../../../contract/failures.ts';

/** The result of one check. `repair` says what to do; null if there is nothing to do. */
export interface Finding {
  check: string;
  state: 'ok' | 'warn' | 'fail';
  found: string;
  repair: string | null;
}

export const ok = (check: string, found: string): Finding => ({
  check,
  state: 'ok',
  found,
  repair: null,
});

export const warn = (check: string, found: string, repair: string): Finding => ({
  check,
  state: 'warn',
  found,
  repair,
});

export const fail = (check: string, found: string, repair: string): Finding => ({
  check,
  state: 'fail',
  found,
  repair,
});

/** The finding for an error that a check threw. */
export function failed(check: string, error: unknown, state: 'warn' | 'fail' = 'fail'): Finding {
  // A second line names the other servers that are down. Each of them has its own finding.
  const [text = ''] = messageOf(error).split('\n');
  const { found, expected: repair } = splitSentence(text);
  return { check, state, found, repair: repair === '' ? null : repair };
}
