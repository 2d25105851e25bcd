/** A measurement for a table: three digits that count, `–` for what was not measured. */
export function digits(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(3)));
}

/** How many times `part` goes into `whole`. */
export function times(whole: number | null, part: number | null): string {
  return whole === null || part === null ? '–' : (whole / part).toFixed(1);
}
