/**
 * A value as Python's `str` prints it, because DVC shows that. A number is printed as a float if it is not whole,
 * or with `asFloat`. Text has quotes only inside a list or a section.
 */
export function formatPython(value: unknown, asFloat = false): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return asFloat || isFloat(value) ? formatFloat(value) : `${value}`;
  if (Array.isArray(value)) return `[${value.map(quote).join(', ')}]`;
  const entries = Object.entries(value);
  return `{${entries.map(([name, inner]) => `${quote(name)}: ${quote(inner)}`).join(', ')}}`;
}

/** Whether Python reads the JSON text of a number as a float. */
export function isFloat(value: number): boolean {
  return !Number.isInteger(value) || Math.abs(value) >= 1e21;
}

/** Python's `round(value, 5)`: five digits after the point; a tie goes to the even digit. */
export function roundToFive(value: number): number {
  const size = Math.abs(value);
  if (size >= 1e21) return value; // such a value has no digits after the point, and toFixed does not write it
  const text = size.toFixed(5); // rounds the exact value; a tie goes to the larger digit
  const isTie = (size * 64) % 2 === 1; // only these float64 values are ties
  const isOdd = Number(text.at(-1)) % 2 === 1;
  const near = Number(isTie && isOdd ? (Number(text) - 1e-5).toFixed(5) : text);
  return value < 0 ? -near : near;
}

/** `repr` of a float: an exponent below 1e-4 and from 1e16, and a point in whole numbers. */
function formatFloat(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16))
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  if (Object.is(value, -0)) return '-0.0';
  return Number.isInteger(value) ? `${value}.0` : `${value}`;
}

function quote(value: unknown): string {
  if (typeof value !== 'string') return formatPython(value);
  const mark = value.includes("'") && !value.includes('"') ? '"' : "'";
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  return `${mark}${mark === "'" ? escaped.replaceAll("'", "\\'") : escaped}${mark}`;
}
