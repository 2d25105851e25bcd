/** A cell for an error message: quoted, on one line, cut to 40 characters. */
export function quote(cell: string): string {
  const characters = Array.from(cell);
  return JSON.stringify(characters.length > 40 ? `${characters.slice(0, 40).join('')}…` : cell);
}

/** The param of a column, to be pasted from a message. A name too long for a line is cut. */
export function nameColumnParam(name: string): string {
  const characters = Array.from(name);
  return `data.columns.${characters.length > 100 ? `${characters.slice(0, 100).join('')}…` : name}`;
}

/** Names for an error message: quoted, and past ten of them only their number. */
export function quoteList(names: readonly string[]): string {
  const shown = names.slice(0, 10).map(quote).join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}
