import { DefaultLogger, type LogLevel } from '@temporalio/worker';
import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';

/** Logs JSON lines to stderr, or text for a person when stderr is a terminal. Never log a secret as a field. */
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

/** A logger for the SDK that writes to our log. */
export function temporalLogger(log: Logger): DefaultLogger {
  return new DefaultLogger('INFO', ({ level, message, meta }) => {
    // The SDK's timestamp is left out, because pino writes one.
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
