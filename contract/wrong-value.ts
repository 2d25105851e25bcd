import type { z } from 'zod';

const TYPES: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
};

/**
 * What was expected instead of a value, such as "expected a whole number". Given to zod as its `error`, it replaces
 * the texts of zod, which name types of JavaScript.
 * @returns undefined where the text of zod stays
 */
export function describeExpected(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] && `expected ${TYPES[issue.expected]}`;
    case 'invalid_value':
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'too_small':
      return `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${formatLimit(issue.minimum, issue.origin)}`;
    case 'too_big':
      return `expected ${issue.inclusive === false ? 'less than' : 'at most'} ${formatLimit(issue.maximum, issue.origin)}`;
    case 'invalid_key':
      return issue.issues[0]?.message;
    case 'invalid_format':
      return issue.format === 'url' ? 'expected a URL' : undefined;
    default:
      return undefined;
  }
}

function formatLimit(limit: number | bigint, origin: string): string {
  if (origin === 'string') return `${limit} character${limit === 1 ? '' : 's'}`;
  if (origin === 'array') return `${limit} item${limit === 1 ? '' : 's'}`;
  return String(limit);
}

/** Whether a text may be a URL with a user and password, of which no part may be shown. */
export function mayHoldPassword(text: string): boolean {
  return text.includes('@');
}

/** Names a setting with its value, unless the value may hold a password. */
export function nameSetting(name: string, value: string): string {
  return mayHoldPassword(value) && value.includes(':') ? name : `${name} ${value}`;
}
