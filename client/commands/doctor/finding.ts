import { messageOf } from '../../../contract/failures.ts';

/** What a look at one thing came to. `mend` says what to do, where something is to be done. */
export interface Finding {
  check: string;
  state: 'ok' | 'warn' | 'fail';
  found: string;
  mend: string | null;
}

export const ok = (check: string, found: string): Finding => ({
  check,
  state: 'ok',
  found,
  mend: null,
});

export const warn = (check: string, found: string, mend: string): Finding => ({
  check,
  state: 'warn',
  found,
  mend,
});

export const fail = (check: string, found: string, mend: string): Finding => ({
  check,
  state: 'fail',
  found,
  mend,
});

/** What a check threw: our errors end with how to mend them, after a colon. */
export function failed(check: string, error: unknown, state: 'warn' | 'fail' = 'fail'): Finding {
  const text = messageOf(error);
  // A cause stands in brackets before the colon, and how to mend it may hold colons of its own.
  const closed = text.indexOf('): ');
  const cut = closed < 0 ? text.lastIndexOf(': ') : closed + 1;
  const [found, mend] = cut < 0 ? [text, ''] : [text.slice(0, cut), text.slice(cut + 2)];
  return { check, state, found, mend: mend === '' ? null : mend };
}
