import { expect, it } from 'vitest';
import { BadParams } from '../../contract/failures.ts';
import { openLog, readLogLevel } from '../../worker/logger.ts';

it('the level of the log is LOG_LEVEL in any case, and info where that is empty', () => {
  expect(readLogLevel({})).toBe('info');
  expect(readLogLevel({ LOG_LEVEL: '' })).toBe('info');
  expect(readLogLevel({ LOG_LEVEL: 'WARN' })).toBe('warn');
});

it('a level that does not exist is refused with those that do', () => {
  const read = (): string => readLogLevel({ LOG_LEVEL: 'loud' });
  expect(read).toThrow(BadParams);
  expect(read).toThrow(/^LOG_LEVEL is "loud": set it to one of trace, .*, silent, or leave it out/);
});

it.each(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])(
  'the log can have the level %s',
  (level) => {
    const log = openLog();
    log.level = readLogLevel({ LOG_LEVEL: level });
    expect(log.level).toBe(level);
  },
);
