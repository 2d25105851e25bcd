import { BadParams } from './failures.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads a number from the environment.
 * @returns `otherwise` where the variable is not set or empty
 * @throws BadParams when it is not a number from `least` to `most`, because a wrong limit must not become none
 */
export function readEnvNumber(
  env: Env,
  name: string,
  {
    otherwise,
    least,
    most,
    what,
  }: { otherwise: number; least: number; most: number; what: string },
): number {
  const text = env[name]?.trim() ?? '';
  if (text === '') return otherwise;
  const value = Number(text);
  if (value >= least && value <= most) return value;
  throw new BadParams(
    `${name} is "${text}": set it to ${what} from ${least} to ${most}, or leave it out for ${otherwise}`,
  );
}

const UNITS: Record<string, number> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};

/**
 * Reads a number of bytes from the environment: `8589934592`, `500MB`, `8 GiB`.
 * @returns `otherwise` where the variable is not set or empty
 * @throws BadParams for anything else
 */
export function readEnvBytes(env: Env, name: string, otherwise: number): number {
  const text = env[name]?.trim() ?? '';
  if (text === '') return otherwise;
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * (UNITS[unit.toLowerCase()] ?? Number.NaN));
  if (number !== '' && bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new BadParams(
    `${name} is "${text}": set it to a number of bytes, such as 8589934592, 500MB or 8GiB, or leave it out for ${otherwise}`,
  );
}
