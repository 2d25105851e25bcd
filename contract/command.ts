/**
 * The command line as a person types it in the project folder. Hints, help and examples begin with it, so that
 * they can be pasted.
 */
export const RETRAIN = 'npx retrain';

/** A word of a shell's command line. */
export function quoteWord(text: string): string {
  return /^[\w./:=@+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
