import type { Config } from '../config/environment.ts';
import { EXIT } from './context.ts';
import { printJson } from './print.ts';
import { openSession } from './session.ts';
import { repair } from './verify/repair.ts';
import { printVerified, verifiedDocument } from './verify/report.ts';
import { verifyVersions } from './verify/versions.ts';

export interface VerifyOptions {
  pipeline: string;
  /** The version to verify; undefined for all of them. */
  version: number | undefined;
  json?: boolean | undefined;
  /** Make what is missing or damaged anew, by runs of the versions that rest on it. */
  repair?: boolean | undefined;
}

/** `verify`: reads everything versions consist of, and says what is missing or damaged. */
export async function verify(config: Config, options: VerifyOptions): Promise<number> {
  const repairs = options.repair === true;
  const session = await openSession(config, {
    check: repairs ? ['temporal', 'storage', 'tracking'] : ['storage'],
  });
  try {
    const found = await verifyVersions(session.store, options);
    const repaired = repairs ? await repair(session, options, found) : undefined;
    const verified = repaired?.verified ?? found;
    if (options.json === true) printJson(verifiedDocument(verified, repaired));
    else printVerified(verified, repaired);
    return verified.problems.length === 0 ? 0 : EXIT.failed;
  } finally {
    await session.close();
  }
}
