/** Characters that move the cursor, change the terminal or the order of the text; not tabs and line ends. */
const CONTROL =
  '[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]';

const CONTROLS = new RegExp(CONTROL, 'g');

/**
 * Writes control characters in a text as `\u001b`. Names, labels and messages come from files and servers, and
 * must not control a terminal.
 */
export function escapeControls(text: string): string {
  return text.replaceAll(CONTROLS, escapeCharacter);
}

/** The same for text that must be one line. */
export function escapeLine(text: string): string {
  return escapeControls(text).replaceAll(/[\n\t]/g, (found) => (found === '\n' ? '\\n' : '\\t'));
}

/** Writes a character as `\u001b`. */
export function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
