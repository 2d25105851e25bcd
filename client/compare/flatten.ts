/**
 * The values of nested sections by dotted name, as DVC flattens them: lists are values, and a section
 * without values has no name.
 */
export function flatten(value: unknown, prefix = ''): Record<string, unknown> {
  if (!isSection(value)) return prefix === '' ? {} : { [prefix]: value };
  return Object.assign(
    {},
    ...Object.entries(value).map(([name, inner]) =>
      flatten(inner, prefix === '' ? name : `${prefix}.${name}`),
    ),
  ) as Record<string, unknown>;
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
