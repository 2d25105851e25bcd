import { DefaultLogger, type LogLevel } from '@temporalio/worker';
import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';
import { escapeControls } from '../contract/controls.ts';
import { BadParams } from '../contract/failures.ts';

/** Logs JSON lines to stderr, or text for a person when stderr is a terminal. Never log a secret as a field. */
export function openLog(): Logger {
  const stream = process.stderr.isTTY
    ? pretty({ destination: 2, ignore: 'pid,hostname', sync: true })
    : pino.destination(2);
  const escape = process.stderr.isTTY ? escapeTexts : escapeControls;
  return pino({}, { write: (line) => void stream.write(escape(line)) });
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * Reads the lowest level of lines that are logged.
 * @returns `info` where LOG_LEVEL is not set or empty
 * @throws BadParams for a level that does not exist
 */
export function readLogLevel(env: NodeJS.ProcessEnv): string {
  const text = env['LOG_LEVEL']?.trim() ?? '';
  if (text === '') return 'info';
  const level = LEVELS.find((name) => name === text.toLowerCase());
  if (level !== undefined) return level;
  throw new BadParams(
    `LOG_LEVEL is "${text}": set it to one of ${LEVELS.join(', ')}, or leave it out for info`,
  );
}

/** Escapes the texts in a line of JSON as text, because `pretty` prints them without the escapes of JSON. */
export function escapeTexts(line: string): string {
  const texts = (_: string, value: unknown): unknown =>
    typeof value === 'string' ? escapeControls(value) : value;
  return `${JSON.stringify(JSON.parse(line, texts))}\n`;
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
    const { sdkComponent, taskQueue, workflowId, runId, activityType, attempt, state, error } =
      meta ?? {};
    const fields = {
      sdkComponent,
      taskQueue,
      workflowId,
      runId,
      activityType,
      attempt,
      state,
      err: error,
    };
    log[levels[level]](fields, message);
  });
}
