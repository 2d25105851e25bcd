/** A table of HTML that is ready to stand in its cells. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`);
  return `<table>${headOf(head)}${lines.join('')}</table>`;
}

/** The first row of a table, likewise. */
export function headOf(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<th scope="col">${cell}</th>`).join('')}</tr>`;
}

export function fourDigits(value: number): string {
  return value.toFixed(4);
}

/** A share from 0 to 1 as a bar. */
export function bar(value: number): string {
  const width = (80 * value).toFixed(1);
  return `<svg width="80" height="10" role="img" aria-label="${fourDigits(value)}"><rect width="80" height="10" fill="#eee"/><rect width="${width}" height="10" fill="#1f77b4"/></svg>`;
}

/** Text from outside, to stand in HTML. */
export function escapeHtml(text: string): string {
  const names: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => names[character]!);
}
