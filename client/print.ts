import pc from 'picocolors';

/**
 * Colours for what is written to a stream: none where it is no terminal, whatever runs us, and none where
 * NO_COLOR asks for none. https://no-color.org
 */
function coloursOf({ isTTY }: { isTTY?: boolean }): ReturnType<typeof pc.createColors> {
  const { NO_COLOR: no = '', TERM: terminal } = process.env;
  return pc.createColors(isTTY === true && no === '' && terminal !== 'dumb');
}

export const onStdout = coloursOf(process.stdout);
export const onStderr = coloursOf(process.stderr);

/** A sentence for the person, on stderr. */
export function say(text: string, kind: 'note' | 'warning' | 'error' = 'note'): void {
  const marks = { note: '', warning: onStderr.yellow('warning: '), error: onStderr.red('error: ') };
  process.stderr.write(`${marks[kind]}${text}\n`);
}

/** Exactly one JSON document on stdout. */
export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}
