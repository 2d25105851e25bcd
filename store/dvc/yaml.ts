import { stringify } from 'yaml';

/**
 * YAML that DVC's reader (ruamel.yaml, YAML 1.2) and older ones read alike: text that any of them
 * would take for something else is quoted, nothing is folded, nothing is an alias. Quotes and lists
 * look as DVC writes them.
 * @param comment one line that stands at the top
 */
export function toYaml(value: unknown, comment = ''): string {
  const text = stringify(value, {
    compat: 'yaml-1.1',
    lineWidth: 0,
    aliasDuplicateObjects: false,
    singleQuote: true,
    indentSeq: false,
  });
  return comment === '' ? text : `# ${comment}\n${text}`;
}
