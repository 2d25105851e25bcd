import { rmSync } from 'node:fs';
import { stackDown } from '../../infra/stack.ts';

// Its standard input ends when the tests end, however they do: then their servers end too.
const [root = '', dir = ''] = process.argv.slice(2);
process.stdin.resume();
process.stdin.once('close', () => {
  void stackDown({ root, dir }).finally(() => rmSync(dir, { recursive: true, force: true }));
});
