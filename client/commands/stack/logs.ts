import { createReadStream, existsSync, statSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { prettyFactory } from 'pino-pretty';
import { lastLines, logFile, readTail } from '../../../infra/process.ts';
import type { PartName } from '../../../infra/report.ts';
import { MissingHistory } from '../../../contract/failures.ts';
import { RETRAIN } from '../../../contract/command.ts';
import { print, say } from '../../print.ts';

/** How often a followed log is read. */
const LOOK_MS = 300;

export interface LogsOptions {
  /** Lines from the end of each log. */
  lines: number;
  /** Print new lines until Ctrl-C. */
  follow: boolean;
  /** Print the lines as the part has written them: those of the worker are JSON. */
  raw: boolean;
}

/**
 * `stack logs [PART]`: prints the end of a log, or of all logs with the name of the part before each line. The JSON lines
 * of the worker become text, also in a pipe, so that what a person has seen can be searched for.
 * @throws MissingHistory when the part, or every part, was never started, unless `follow` waits for it
 */
export async function printLogs(
  dir: string,
  parts: readonly PartName[],
  { lines, follow, raw }: LogsOptions,
): Promise<void> {
  const started = parts.filter((part) => existsSync(logFile(dir, part)));
  if (started.length === 0) {
    const missing = `there is no log of ${parts.length === 1 ? parts[0] : 'a part'} in ${dir}`;
    if (!follow) throw new MissingHistory(`${missing}: start the stack with "${RETRAIN} stack up"`);
    say(`${missing} yet: this command waits for it, until you press Ctrl-C`);
  }
  const shown = follow ? parts : started; // a part may start while one looks
  const width = Math.max(...shown.map((part) => part.length));
  const logs = shown.map((part) => ({
    file: logFile(dir, part),
    show: showLine(parts.length === 1 ? '' : `${part.padEnd(width)} | `, raw),
  }));
  if (!follow) {
    for (const { file, show } of logs) lastLines(file, lines).forEach(show);
    return;
  }
  const tails = logs.map(({ file, show }) => ({ tail: openTail(file, lines), show }));
  for (const { tail, show } of tails) tail.lines.forEach(show);
  const leaving = new AbortController();
  process.once('SIGINT', () => leaving.abort());
  while (!leaving.signal.aborted) {
    for (const { tail, show } of tails) (await tail.readNew()).forEach(show);
    await sleep(LOOK_MS, undefined, { signal: leaving.signal }).catch(() => undefined);
  }
}

/** Prints a line of a log. An entry of several lines has the prefix before each. */
function showLine(prefix: string, raw: boolean): (line: string) => void {
  const format = raw ? String : formatLine();
  return (line) => print(`${prefix}${format(line).replaceAll('\n', `\n${prefix}`)}`);
}

/** The end of a log, and later what is written to it. */
interface Tail {
  lines: readonly string[];
  /** The whole lines that were written since the last look. */
  readNew: () => Promise<string[]>;
}

function openTail(file: string, count: number): Tail {
  const { lines, end } = readTail(file, count);
  let read = end;
  let decoder = new StringDecoder('utf8');
  let rest = '';
  const readNew = async (): Promise<string[]> => {
    const size = existsSync(file) ? statSync(file).size : read;
    // A smaller log was started again.
    if (size < read) [read, rest, decoder] = [0, '', new StringDecoder('utf8')];
    if (size === read) return [];
    for await (const piece of createReadStream(file, { start: read, end: size - 1 }))
      rest += decoder.write(piece as Buffer);
    read = size;
    const found = rest.split(/\r?\n/);
    rest = found.pop()!;
    return found;
  };
  return { lines, readNew };
}

/**
 * Fields of the worker's log that are not printed: every line has them, or `describe` puts them into its sentence.
 */
const HIDDEN = 'pid,hostname,sdkComponent,taskQueue,workflowId,runId,activityType,attempt,state';

/**
 * Formats a line of a log for printing. Lines that are not JSON stay as they are. The stack of an error is printed
 * only for a fault of the program: for a stage that is retried, the sentence is enough.
 */
export function formatLine(): (line: string) => string {
  // Without colours, because control characters of a log are written out.
  const pretty = prettyFactory({ colorize: false, ignore: HIDDEN, translateTime: 'SYS:HH:MM:ss' });
  return (line) => {
    const entry = parseEntry(line);
    return entry === undefined ? line : pretty(describe(entry)).trimEnd();
  };
}

interface Entry {
  level: number;
  msg?: string;
  err?: { message?: string };
  activityType?: string;
  workflowId?: string;
  attempt?: number;
  /** Of the worker, when it changes. */
  state?: string;
}

function parseEntry(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<Entry> | null;
    return typeof entry?.level === 'number' ? (entry as Entry) : undefined;
  } catch {
    return undefined;
  }
}

const ERROR = 50;

function describe({ err, ...entry }: Entry): object {
  const { level, msg = '', activityType, workflowId, attempt, state } = entry;
  const where = [activityType, workflowId].filter((part) => part !== undefined).join(' of ');
  const which = attempt === undefined || where === '' ? where : `${where}, attempt ${attempt}`;
  const sentence = [
    state === undefined ? msg : `${msg}: ${state}`,
    which === '' ? '' : `(${which})`,
    err?.message === undefined ? '' : `– ${dropRepeated(err.message)}`,
  ];
  const text = sentence.filter((part) => part !== '').join(' ');
  return { ...entry, msg: text, ...(err === undefined || level < ERROR ? {} : { err }) };
}

/** The logger appends the message of the cause, which many of our sentences quote already. */
function dropRepeated(message: string): string {
  for (let at = message.indexOf(': '); at >= 0; at = message.indexOf(': ', at + 1)) {
    const [before, cause] = [message.slice(0, at), message.slice(at + 2)];
    // A shorter one can be in the sentence by chance.
    if (cause.length >= 12 && before.includes(cause)) return before;
  }
  return message;
}
