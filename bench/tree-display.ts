/** A measurement for a table: three digits that count, `–` for what was not measured. */
export function digits(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : String(Number(value.toPrecision(3)));
}

/** How many times `part` goes into `whole`. */
export function times(whole: number | null | undefined, part: number | null | undefined): string {
  return typeof whole === 'number' && typeof part === 'number' ? (whole / part).toFixed(1) : '–';
}
