import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadConfig, type Config } from '../../config/environment.ts';
import { StorageUnavailable, TrackingUnavailable } from '../../contract/failures.ts';
import { nameAllDown, withPatience } from '../../client/reach.ts';

/** What a command says of servers that are busy, or not there. */

/** An address where no server listens: only root may use this port, and nothing does. */
const NOBODY = 'http://127.0.0.1:1';

const open: Server[] = [];

async function listen(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  open.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  for (const server of open.splice(0)) server.close();
  vi.restoreAllMocks();
});

const busy = new TrackingUnavailable('it does not answer');
const again = (error: unknown): boolean => error === busy;

describe('a server that runs and does not answer', () => {
  it('is tried again, and one line says so', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const address = await listen();
    const check = vi.fn<() => Promise<void>>().mockRejectedValueOnce(busy);
    check.mockRejectedValueOnce(busy).mockResolvedValueOnce(undefined);
    await withPatience('tracking', address, check, { untilItRuns: false, again });
    expect(check).toHaveBeenCalledTimes(3);
    expect(said.mock.calls).toEqual([
      [`MLflow at ${address} does not answer yet: trying for 30 s\n`],
    ]);
  });

  it('is not tried again where it has answered with a refusal', async () => {
    const refusal = new Error('403');
    const check = vi.fn<() => Promise<void>>().mockRejectedValue(refusal);
    const asked = withPatience('storage', await listen(), check, { untilItRuns: true, again });
    await expect(asked).rejects.toBe(refusal);
    expect(check).toHaveBeenCalledTimes(1);
  });
});

describe('an address where nothing listens', () => {
  it('is reported at once', async () => {
    const check = vi.fn<() => Promise<void>>().mockRejectedValue(busy);
    const asked = withPatience('tracking', NOBODY, check, { untilItRuns: false, again });
    await expect(asked).rejects.toBe(busy);
    expect(check).toHaveBeenCalledTimes(1);
  });

  it('is waited for by a nightly, because a restart of a server must not lose it', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const check = vi.fn<() => Promise<void>>().mockRejectedValueOnce(busy);
    check.mockRejectedValueOnce(busy).mockResolvedValueOnce(undefined);
    await withPatience('temporal', NOBODY, check, { untilItRuns: true, again });
    expect(check).toHaveBeenCalledTimes(3);
  });
});

describe('a command whose server is down', () => {
  const down = new StorageUnavailable('the S3 server is not available');

  function configure(mlflow: string): Config {
    vi.stubEnv('TEMPORAL_ADDRESS', '127.0.0.1:1');
    return loadConfig('/nowhere', { MLFLOW_TRACKING_URI: mlflow });
  }

  afterEach(() => vi.unstubAllEnvs());

  it('names all that is down, also what it does not use itself', async () => {
    const config = configure(NOBODY);
    expect(await nameAllDown(config, [down], ['storage'])).toMatchObject({
      name: 'SetupError',
      message: `the S3 server is not available\nnot running either: Temporal at 127.0.0.1:1 and MLflow at ${NOBODY}`,
    });
  });

  it('names every server that it has asked in vain', async () => {
    const config = configure(await listen());
    const all = await nameAllDown(config, [down, busy], ['temporal', 'storage', 'tracking']);
    expect(all).toMatchObject({
      message: 'the S3 server is not available\nit does not answer',
    });
  });

  it('leaves the error of a single server as it is', async () => {
    const config = configure(await listen());
    expect(await nameAllDown(config, [down], ['storage', 'temporal'])).toBe(down);
  });
});
