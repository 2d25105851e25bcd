import type { Config } from '../config/environment.ts';
import { registerSearchAttributes } from '../infra/search-attributes.ts';
import { printJson } from './print.ts';
import { openSession } from './session.ts';

/** `search-attributes register`: so that runs can be found by them on a cluster that is not the stack's. */
export async function registerNames(
  config: Config,
  { json }: { json?: boolean | undefined },
): Promise<number> {
  const session = await openSession(config, { check: ['temporal'] });
  try {
    const { connection, namespace } = session;
    const added = await registerSearchAttributes(connection, namespace);
    if (json === true) printJson({ namespace, added });
    else
      process.stdout.write(
        added.length === 0
          ? `namespace ${namespace} has them all\n`
          : `added to namespace ${namespace}: ${added.join(', ')}; workers see them within a minute\n`,
      );
    return 0;
  } finally {
    await session.close();
  }
}
