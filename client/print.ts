import { randomBytes } from 'node:crypto';
import { createSupportsHyperlinks } from 'supports-hyperlinks';
import wrapAnsi from 'wrap-ansi';
import { escapeControls } from '../contract/controls.ts';

/** The codes that begin and end a style (ECMA-48, 8.3.117). */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  underline: [4, 24],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  cyan: [36, 39],
} as const;

type Style = keyof typeof STYLES;

/**
 * Marks the codes of our own styles and links until the text is printed. It is random, so text from outside cannot
 * imitate it.
 */
const OWN = `\u0000${randomBytes(8).toString('hex')}`;
const OWN_CODE = new RegExp(`${OWN.replace('\u0000', '\\u0000')}(\\d+m|link [!-~]* )`);

/**
 * Functions that give a text a style on a stream: none where it is not a terminal, and none where NO_COLOR is set.
 * https://no-color.org
 */
function stylesOf({ isTTY }: { isTTY?: boolean }): Record<Style, (text: string) => string> {
  const { NO_COLOR: no = '', TERM: terminal } = process.env;
  const isStyled = isTTY === true && no === '' && terminal !== 'dumb';
  const styles = Object.entries(STYLES).map(([style, [begin, end]]) => [
    style,
    (text: string) => (isStyled ? `${OWN}${begin}m${text}${OWN}${end}m` : text),
  ]);
  return Object.fromEntries(styles) as ReturnType<typeof stylesOf>;
}

export const onStdout = stylesOf(process.stdout);
export const onStderr = stylesOf(process.stderr);

/** The text as a terminal receives it: our own styles and links, and control characters of others written out. */
export function renderText(text: string): string {
  return text
    .split(OWN_CODE)
    .map((part, i) => (i % 2 === 1 ? toCode(part) : escapeControls(part)))
    .join('');
}

function toCode(part: string): string {
  return part.endsWith('m') ? `\u001b[${part}` : `\u001b]8;;${part.slice(5, -1)}\u001b\\`;
}

/** What stays on one line, so that it can be pasted: a quoted text, and a command at the end of a line. */
const PASTED = /"[^"\n]*"|\bnpx retrain .*$/gm;
/** In place of the spaces in it. No text has this character of the private area. */
const JOINED = '\uE000';

/**
 * Breaks a text into lines at words, if it goes to a terminal. Later lines are indented.
 * @param indent the number of spaces; the first line begins after as many characters
 */
export function foldText(
  text: string,
  indent: number,
  { isTTY, columns }: { isTTY?: boolean; columns?: number } = process.stdout,
): string {
  const lines = escapeControls(text).split('\n');
  const room = isTTY === true && columns ? Math.max(columns - indent, 20) : Infinity;
  const folded = lines.flatMap((line) => {
    if (line.length <= room) return line;
    const joined = line.replaceAll(PASTED, (pasted) => pasted.replaceAll(' ', JOINED));
    return wrapAnsi(joined, room).replaceAll(JOINED, ' ').split('\n');
  });
  return folded.join(`\n${' '.repeat(indent)}`);
}

/** Prints a fact under its name, on stdout: `model     iris version 3`. */
export function printFact(name: string, text: string): void {
  print(`${name.padEnd(FACT - 2)}  ${foldText(text, FACT)}`);
}

/** Prints a URL under its name, on stdout. @param label what the URL shows */
export function printLink(name: string, url: string, label: string): void {
  print(`${name.padEnd(FACT - 2)}  ${formatLink(url, label, FACT)}`);
}

/**
 * A URL for printing. One that is wider than the terminal becomes a short text that opens it, where the terminal has
 * such links. Elsewhere it stays whole, because a terminal that breaks a line joins it again when it is copied.
 * https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda
 * @param label what the URL shows
 * @param indent the number of characters before it on its line
 */
export function formatLink(url: string, label: string, indent: number): string {
  const { isTTY, columns } = process.stdout;
  const fits = !isTTY || !columns || indent + url.length <= columns;
  const isPlain = /^https?:[!-~]+$/.test(url) && URL.canParse(url);
  // tmux and screen drop a link unless they are configured to pass it on, and the URL would be lost.
  const { TMUX, STY, FORCE_HYPERLINK } = process.env;
  const isInside = (TMUX ?? STY) !== undefined && !FORCE_HYPERLINK;
  if (fits || !isPlain || isInside || !createSupportsHyperlinks(process.stdout)) return url;
  const text = onStdout.underline(`${label} at ${new URL(url).host}`);
  return `${OWN}link ${url} ${text}${OWN}link  `;
}

/** Prints which version of which registered model a build is; nothing where it is not registered. */
export function printModel(tracked: { modelName: string; modelVersion: string | null }): void {
  const { modelName, modelVersion } = tracked;
  if (modelVersion !== null) printFact('model', `${modelName} version ${modelVersion}`);
}

/** The column in which facts begin. */
const FACT = 10;

/** A result, on stdout. */
export function print(text: string): void {
  process.stdout.write(`${renderText(text)}\n`);
}

/** Prints a message on stderr. Its later lines are indented, so that they do not look like another message. */
export function say(text: string, kind: 'note' | 'warning' | 'error' = 'note'): void {
  const styles = { note: String, warning: onStderr.yellow, error: onStderr.red };
  const mark = kind === 'note' ? '' : `${kind}: `;
  const folded = foldText(`${mark}${text}`, 2, process.stderr).slice(mark.length);
  printProgress(`${styles[kind](mark)}${folded}`);
}

/** Progress, on stderr: stdout holds results only. */
export function printProgress(text: string): void {
  process.stderr.write(`${renderText(text)}\n`);
}

/** Exactly one JSON document on stdout. JSON.stringify leaves some control characters as they are. */
export function printJson(document: unknown): void {
  process.stdout.write(`${escapeControls(JSON.stringify(document, null, 2))}\n`);
}
