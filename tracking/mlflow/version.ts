import { authorization, parseAddress } from './address.ts';
import type { MlflowOptions } from './tracker.ts';

const ANSWER_MS = 5_000;

/**
 * The version an MLflow server says it is, at `/version`.
 * @returns undefined where it says none: a proxy may keep that path to itself
 */
export async function serverVersion(options: MlflowOptions): Promise<string | undefined> {
  const address = parseAddress(options.uri);
  const auth = options.auth ?? address.auth;
  try {
    const answer = await fetch(`${address.uri}/version`, {
      headers: auth === undefined ? {} : { authorization: authorization(auth) },
      redirect: 'manual',
      signal: AbortSignal.timeout(options.timeoutMs ?? ANSWER_MS),
    });
    const text = (await answer.text()).trim();
    return answer.ok && /^\d+\.\d+\.[\w.]{1,20}$/.test(text) ? text : undefined;
  } catch {
    return undefined; // whether it answers is another question
  }
}
