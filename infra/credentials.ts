import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../contract/failures.ts';

export interface Credentials {
  AWS_ACCESS_KEY_ID: string;
  AWS_SECRET_ACCESS_KEY: string;
}

/** The file of KEY=VALUE lines that only its user can read. */
export function credentialsFile(dir: string): string {
  return join(dir, 'credentials');
}

/** The stack's S3 credentials, made up when it is first started. Call under the stack's lock. */
export function ensureCredentials(dir: string): Credentials {
  const file = credentialsFile(dir);
  if (!existsSync(file)) {
    const lines = [
      `AWS_ACCESS_KEY_ID=${randomBytes(10).toString('hex')}`,
      `AWS_SECRET_ACCESS_KEY=${randomBytes(20).toString('hex')}`,
    ];
    writeFileSync(`${file}.new`, `${lines.join('\n')}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file); // whole or not at all
  }
  return readCredentials(dir);
}

/**
 * Reads the stack's credentials.
 * @throws SetupError when there is no such file, or it does not hold both.
 */
export function readCredentials(dir: string): Credentials {
  const file = credentialsFile(dir);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new SetupError(`there is no stack in ${dir} (${file} cannot be read): start it first`, {
      cause: error,
    });
  }
  const value = (name: string): string => new RegExp(`^${name}=(.+)$`, 'm').exec(text)?.[1] ?? '';
  const id = value('AWS_ACCESS_KEY_ID');
  const secret = value('AWS_SECRET_ACCESS_KEY');
  if (id !== '' && secret !== '') return { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };
  throw new SetupError(
    `${file} lacks AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY: delete it, and the stack makes new ones`,
  );
}
