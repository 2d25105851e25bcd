import { describe, expect, it } from 'vitest';
import { parseHistoryProblem } from '../../worker/history-problem.ts';

describe('the problem of a history', () => {
  it('is the message of the workflow, where the SDK reports a dump of the whole failure', () => {
    const text =
      'Replay failed due workflow task failure. Details: Workflow activation completion failed: Failure { failure: ' +
      'Some(Failure { message: "no stage has handed on \\"a\\"", source: "TypeScriptSDK", stack_trace: "at x" }) }';
    expect(parseHistoryProblem(text)).toEqual({
      kind: 'other',
      point: 'no stage has handed on \\"a\\"',
    });
  });

  it('is where the code no longer gives the command of the history', () => {
    const text =
      '[TMPRL1100] Nondeterminism error: Timer machine does not handle this event\n at x';
    expect(parseHistoryProblem(text)).toEqual({
      kind: 'old',
      point: 'Timer machine does not handle this event',
    });
  });
});
