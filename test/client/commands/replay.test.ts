import { ServiceError } from '@temporalio/client';
import { expect, it } from 'vitest';
import { throwQueryError } from '../../../client/commands/replay.ts';
import { BadParams } from '../../../contract/failures.ts';

/** A failed request of Temporal's client. */
function makeError(code: number, details: string): ServiceError {
  const cause = Object.assign(new Error(details), { code, details, metadata: {} });
  return new ServiceError('Failed to list workflows', { cause });
}

it('a filter that Temporal refuses is wrong usage, and the sentence names --query', async () => {
  const refused = throwQueryError(makeError(3, 'invalid query: syntax error'), 'nonsense');
  await expect(refused).rejects.toThrow(BadParams);
  await expect(refused).rejects.toThrow(
    /^--query nonsense: Temporal refused this filter \(invalid query: syntax error\): correct it, /,
  );
});

it('another error of the server is passed on, and so is a refusal of our own filter', async () => {
  const [down, ours] = [makeError(14, 'no answer'), makeError(3, 'invalid query')];
  await expect(throwQueryError(down, 'nonsense')).rejects.toBe(down);
  await expect(throwQueryError(ours, undefined)).rejects.toBe(ours);
});
