/**
 * Why workflow code cannot continue from a history, read from the text of the SDK's error, which also holds a
 * code, a dump of the event and a stack.
 */
export function parseHistoryProblem(text: string): { kind: Kind; point: string } {
  const unknown = /no such function is exported.*?'([^']+)'|'([^']+)'.*no such function/.exec(text);
  const name = unknown?.[1] ?? unknown?.[2];
  if (name !== undefined) return { kind: 'unknown', point: name };
  const point = /\[TMPRL1100\] (?:Nondeterminism error: )?(.*)/s.exec(text)?.[1];
  // Replay reports a workflow's own error as a dump of the whole failure.
  const dumped = /\bmessage: "((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  const first = (point ?? dumped ?? text).slice(0, 200).replace(/\n.*/s, '');
  return { kind: point === undefined ? 'other' : 'old', point: first };
}

/** `unknown`: no workflow has this type; `old`: the code changed after the history was recorded. */
type Kind = 'unknown' | 'old' | 'other';
