import { expect, it } from 'vitest';
import { authFromEnv } from '../../tracking/place.ts';

it("the credentials of MLflow come from MLflow's variables, a user's before a token", () => {
  const user = { MLFLOW_TRACKING_USERNAME: 'me', MLFLOW_TRACKING_PASSWORD: 'pw' };
  const token = { MLFLOW_TRACKING_TOKEN: 't' };
  expect(authFromEnv({ ...user, ...token })).toEqual({ username: 'me', password: 'pw' });
  expect(authFromEnv(token)).toEqual({ token: 't' });
  expect(authFromEnv({ MLFLOW_TRACKING_USERNAME: 'me' })).toBeUndefined();
  expect(authFromEnv({})).toBeUndefined();
});
