import type { Looked } from './look.ts';

/** Files named in one sentence; the others are counted. */
const MOST_NAMES = 3;

/** What a person must know of a look: files left out, and files that are not what they were. */
export function sentencesOf(look: Looked | undefined, source: string): string[] {
  if (look === undefined) return [];
  const { writing, quarantined, changed } = look;
  const sentences: string[] = [];
  if (writing.length > 0)
    sentences.push(`${named(writing)} in ${source} is still being written: a later look takes it`);
  for (const { name, reason } of quarantined.slice(0, MOST_NAMES))
    sentences.push(`${name} in ${source} is quarantined: ${reason}`);
  if (quarantined.length > MOST_NAMES)
    sentences.push(`${quarantined.length - MOST_NAMES} more files in ${source} are quarantined`);
  for (const { name, batch } of changed.slice(0, MOST_NAMES))
    sentences.push(
      `${name} in ${source} has other rows now than batch ${batch} was made of, which stays as it is: ` +
        `to replace the batch, "amend ${batch} --source" that file`,
    );
  if (changed.length > MOST_NAMES)
    sentences.push(`${changed.length - MOST_NAMES} more files in ${source} have changed`);
  return sentences;
}

function named(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return `${names.slice(0, MOST_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
