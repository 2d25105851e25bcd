/** How to say who we are: basic (a user and password) or bearer (a token). */
export type TrackingAuth = { username: string; password: string } | { token: string };

/**
 * The credentials MLflow's own clients take from the environment, in their order.
 * https://mlflow.org/docs/latest/self-hosting/security/basic-http-auth/
 */
export function authFromEnv(env: NodeJS.ProcessEnv): TrackingAuth | undefined {
  const username = env['MLFLOW_TRACKING_USERNAME'];
  const password = env['MLFLOW_TRACKING_PASSWORD'];
  if (username && password) return { username, password };
  const token = env['MLFLOW_TRACKING_TOKEN'];
  return token ? { token } : undefined;
}

/** The `Authorization` header's value. Never to be logged. */
export function authorization(auth: TrackingAuth): string {
  if ('token' in auth) return `Bearer ${auth.token}`;
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
}
