/** A cell for an error message: quoted, on one line, cut to 40 characters. */
export function quote(cell: string): string {
  const characters = Array.from(cell);
  return JSON.stringify(characters.length > 40 ? `${characters.slice(0, 40).join('')}…` : cell);
}

/** Names for an error message: quoted, and past ten of them only their number. */
export function quoteList(names: readonly string[]): string {
  const shown = names.slice(0, 10).map(quote).join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}
