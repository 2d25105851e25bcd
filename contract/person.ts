import { escapeCharacter, escapeControls } from './controls.ts';

/** What a person writes beside a decision: the own name, and why. */
export type PersonText = 'by' | 'reason';

const EXPECTED = {
  by: { text: 'the name of a person', most: 100, refused: /[\n\t]/ },
  reason: { text: 'a text', most: 1_000, refused: undefined },
} as const;

/** Returns what is expected instead of a name or a reason; undefined where it may be recorded. */
export function findTextFault(kind: PersonText, value: unknown): string | undefined {
  const { text, most, refused } = EXPECTED[kind];
  const expected = `expected ${text} of 1 to ${most} characters`;
  if (typeof value !== 'string' || value.trim() === '' || value.length > most) return expected;
  const found = [...new Set(value)].filter(
    (character) => escapeControls(character) !== character || refused?.test(character) === true,
  );
  if (found.length === 0) return undefined;
  return `${expected} without control characters: it has ${found.map(escapeCharacter).join(', ')}`;
}
