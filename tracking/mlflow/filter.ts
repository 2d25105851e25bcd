/**
 * MLflow's filter for "equals all of these". Its strings stand in `'` or `"` and know no escape, so
 * what cannot be quoted is left out: callers compare what comes back themselves.
 * https://mlflow.org/docs/latest/ml/search/search-runs/
 */
export function equalsFilter(terms: [field: string, value: string][]): string {
  return terms
    .flatMap(([field, value]) => {
      const literal = quoted(value);
      return literal === undefined ? [] : [`${field} = ${literal}`];
    })
    .join(' AND ');
}

/** The name of a tag in a filter, or undefined where it cannot be written. */
export function tagField(key: string): string | undefined {
  return /[`\\]/.test(key) ? undefined : `tags.\`${key}\``;
}

function quoted(value: string): string | undefined {
  if (value.includes('\\')) return undefined;
  if (!value.includes("'")) return `'${value}'`;
  return value.includes('"') ? undefined : `"${value}"`;
}
