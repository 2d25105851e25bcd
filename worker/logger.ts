import { DefaultLogger, type LogLevel } from '@temporalio/worker';
import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';

/** JSON lines on stderr, or text for a person when that is a terminal. Secrets are never fields. */
export function openLog(): Logger {
  const stream = process.stderr.isTTY
    ? pretty({ destination: 2, ignore: 'pid,hostname', sync: true })
    : undefined;
  const options = { level: process.env['LOG_LEVEL'] ?? 'info' };
  return stream === undefined ? pino(options, pino.destination(2)) : pino(options, stream);
}

const levels: Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/** The SDK's log through ours. */
export function temporalLogger(log: Logger): DefaultLogger {
  return new DefaultLogger('INFO', ({ level, message, meta }) => {
    // The SDK's timestamp would stand beside pino's.
    const { sdkComponent, taskQueue, workflowId, runId, activityType, attempt, error } = meta ?? {};
    const fields = {
      sdkComponent,
      taskQueue,
      workflowId,
      runId,
      activityType,
      attempt,
      err: error,
    };
    log[levels[level]](fields, message);
  });
}
