/**
 * The command line as a person types it in the project folder. Hints, help and examples begin with it, so that
 * they can be pasted.
 */
export const RETRAIN = 'npx retrain';

/**
 * The command that checks, or repairs, all versions of a pipeline, quoted for a sentence.
 * @param pipeline undefined where it is not known whose object is damaged
 */
export function quoteVerifyAll(flags: '' | ' --repair', pipeline?: string): string {
  const command = `${RETRAIN} verify --all${flags}`;
  return pipeline === undefined
    ? `"${command}" (and --pipeline, unless it is of the default one)`
    : `"${command} --pipeline ${pipeline}"`;
}

/** A word of a shell's command line. */
export function quoteWord(text: string): string {
  return /^[\w./:=@+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
