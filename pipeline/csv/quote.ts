/** A cell for an error message: quoted, on one line, cut to 40 characters. */
export function quote(cell: string): string {
  return JSON.stringify(cut(cell, 40));
}

/** The param of a column, to be pasted from a message. A name too long for a line is cut. */
export function nameColumnParam(name: string): string {
  return `data.columns.${cut(name, 100)}`;
}

/** Names for an error message: quoted, and past ten of them only their number. */
export function quoteList(names: readonly string[]): string {
  const shown = names.slice(0, 10).map(quote).join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}

/** The first characters of a text, and … if there are more. */
function cut(text: string, most: number): string {
  const characters = Array.from(text);
  return characters.length > most ? `${characters.slice(0, most).join('')}…` : text;
}
