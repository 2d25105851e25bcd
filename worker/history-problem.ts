/**
 * Why workflow code cannot go on from a history, by the text of the SDK's error: in that are a code, a dump of
 * the event and a stack around the point.
 */
export function historyProblem(text: string): { kind: Kind; point: string } {
  const unknown = /no such function is exported.*?'([^']+)'|'([^']+)'.*no such function/.exec(text);
  const name = unknown?.[1] ?? unknown?.[2];
  if (name !== undefined) return { kind: 'unknown', point: name };
  const point = /\[TMPRL1100\] (?:Nondeterminism error: )?(.*)/s.exec(text)?.[1];
  const first = (point ?? text).slice(0, 200).replace(/\n.*/s, '');
  return { kind: point === undefined ? 'other' : 'old', point: first };
}

/** The workflow's type is not known, the history is older than a change of the code, or something else. */
type Kind = 'unknown' | 'old' | 'other';
