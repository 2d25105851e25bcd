import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadConfig, type Config } from '../../config/environment.ts';
import { StorageUnavailable, TrackingUnavailable } from '../../contract/failures.ts';
import { nameAllDown, withPatience } from '../../client/reach.ts';
import { freePort } from '../support/project.ts';

/** What a command says of servers that are busy, or not there. */

const open: Server[] = [];

async function listen(port = 0): Promise<string> {
  const server = createServer().listen(port, '127.0.0.1');
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
    const address = `http://127.0.0.1:${await freePort()}`;
    const check = vi.fn<() => Promise<void>>().mockRejectedValue(busy);
    const asked = withPatience('tracking', address, check, { untilItRuns: false, again });
    await expect(asked).rejects.toBe(busy);
    expect(check).toHaveBeenCalledTimes(1);
  });

  it('is waited for by a nightly, because a restart of a server must not lose it', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const port = await freePort();
    const check = vi.fn<() => Promise<void>>();
    check.mockImplementationOnce(async () => {
      await listen(port);
      throw busy;
    });
    const address = `http://127.0.0.1:${port}`;
    await withPatience('temporal', address, check, { untilItRuns: true, again });
    expect(check).toHaveBeenCalledTimes(2);
  });
});

describe('a command whose server is down', () => {
  const down = new StorageUnavailable('the S3 server is not available');

  async function configure(mlflow: string): Promise<Config> {
    vi.stubEnv('TEMPORAL_ADDRESS', `127.0.0.1:${await freePort()}`);
    return loadConfig('/nowhere', { MLFLOW_TRACKING_URI: mlflow });
  }

  afterEach(() => vi.unstubAllEnvs());

  it('names all that is down, also what it does not use itself', async () => {
    const mlflow = `http://127.0.0.1:${await freePort()}`;
    const config = await configure(mlflow);
    expect(await nameAllDown(config, [down], ['storage'])).toMatchObject({
      name: 'SetupError',
      message: `the S3 server is not available\nnot running either: Temporal at ${process.env['TEMPORAL_ADDRESS']} and MLflow at ${mlflow}`,
    });
  });

  it('names every server that it has asked in vain', async () => {
    const config = await configure(await listen());
    const all = await nameAllDown(config, [down, busy], ['temporal', 'storage', 'tracking']);
    expect(all).toMatchObject({
      message: 'the S3 server is not available\nit does not answer',
    });
  });

  it('leaves the error of a single server as it is', async () => {
    const config = await configure(await listen());
    expect(await nameAllDown(config, [down], ['storage', 'temporal'])).toBe(down);
  });
});
