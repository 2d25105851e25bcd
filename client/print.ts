import pc from 'picocolors';

/**
 * Colours for a stream: none where it is not a terminal, and none where NO_COLOR is set.
 * https://no-color.org
 */
function coloursOf({ isTTY }: { isTTY?: boolean }): ReturnType<typeof pc.createColors> {
  const { NO_COLOR: no = '', TERM: terminal } = process.env;
  return pc.createColors(isTTY === true && no === '' && terminal !== 'dumb');
}

export const onStdout = coloursOf(process.stdout);
export const onStderr = coloursOf(process.stderr);

/** The bold, dim and coloured text of this program. */
const OWN_COLOUR = '\\u001b\\[(?:1|2|22|3[1-6]|39)m';

/** Characters that move the cursor, change the terminal or the order of the text; not tabs and line ends. */
const CONTROL =
  '[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]';

const PLAIN_ONLY = new RegExp(CONTROL, 'g');
const WITH_COLOURS = new RegExp(`${OWN_COLOUR}|${CONTROL}`, 'g');

/**
 * Writes control characters in a text as `\u001b`. Names, labels and messages come from files and servers, and
 * must not control the terminal. Everything that is printed passes through this function.
 */
export function escapeControls(text: string, { coloured = false } = {}): string {
  return text.replaceAll(coloured ? WITH_COLOURS : PLAIN_ONLY, (found) =>
    found.length > 1 ? found : escapeCharacter(found),
  );
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A result, on stdout. */
export function print(text: string): void {
  process.stdout.write(`${escapeControls(text, { coloured: onStdout.isColorSupported })}\n`);
}

/** A sentence for the person, on stderr. */
export function say(text: string, kind: 'note' | 'warning' | 'error' = 'note'): void {
  const marks = { note: '', warning: onStderr.yellow('warning: '), error: onStderr.red('error: ') };
  process.stderr.write(`${marks[kind]}${escapeControls(text)}\n`);
}

/** Progress, on stderr: stdout holds results only. */
export function printProgress(text: string): void {
  process.stderr.write(`${escapeControls(text, { coloured: onStderr.isColorSupported })}\n`);
}

/** Exactly one JSON document on stdout. JSON.stringify leaves some control characters as they are. */
export function printJson(document: unknown): void {
  process.stdout.write(`${escapeControls(JSON.stringify(document, null, 2))}\n`);
}
