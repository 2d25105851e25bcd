import pc from 'picocolors';

/**
 * Colours for what is written to a stream: none where it is no terminal, whatever runs us, and none where
 * NO_COLOR asks for none. https://no-color.org
 */
function coloursOf({ isTTY }: { isTTY?: boolean }): ReturnType<typeof pc.createColors> {
  const { NO_COLOR: no = '', TERM: terminal } = process.env;
  return pc.createColors(isTTY === true && no === '' && terminal !== 'dumb');
}

export const onStdout = coloursOf(process.stdout);
export const onStderr = coloursOf(process.stderr);
