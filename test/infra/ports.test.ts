import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BadParams, SetupError } from '../../contract/failures.ts';
import { assertFree, choosePorts, DEFAULT_PORTS, freePorts, isFree } from '../../infra/ports.ts';

let server: Server | undefined;

async function listen(host: string, port = 0): Promise<number> {
  server = createServer();
  await new Promise<void>((resolve) => server?.listen(port, host, resolve));
  return (server.address() as AddressInfo).port;
}

afterEach(() => {
  server?.close();
});

describe('a port in use', () => {
  it('gives an error with the port, the part, the process that holds it, and the variable to set', async () => {
    const port = await listen('127.0.0.1');
    const error = await assertFree('mlflow', [{ port, variable: 'RETRAIN_PORT_MLFLOW' }]).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(SetupError);
    expect((error as Error).message).toMatch(
      new RegExp(
        `^port ${port}, which mlflow needs, is held by (another process|.+ \\(process ${process.pid}\\)): ` +
          'end that process, or choose another port with RETRAIN_PORT_MLFLOW$',
      ),
    );
  });

  it('is not free when the listener is on every address', async () => {
    expect(await isFree(await listen('0.0.0.0'))).toBe(false);
  });

  it('is free again when its server has ended', async () => {
    const port = await listen('127.0.0.1');
    await new Promise((resolve) => server?.close(resolve));
    expect(await isFree(port)).toBe(true);
  });

  it('is not among the free ports, which are found from a random one on', async () => {
    const start = Math.random();
    vi.spyOn(Math, 'random').mockReturnValue(start);
    onTestFinished(() => void vi.restoreAllMocks());
    const [port = 0] = await freePorts(1);
    await listen('127.0.0.1', port);
    const ports = await freePorts(3);
    expect(new Set([port, ...ports]).size).toBe(4);
    expect(Math.min(...ports)).toBeGreaterThan(port);
  });
});

describe('the choice of ports', () => {
  it('is the one asked for, else of the environment, else of the last start, else the default', () => {
    const env = { RETRAIN_PORT_UI: '2', RETRAIN_PORT_S3: '3', RETRAIN_PORT_MLFLOW: '' };
    const last = { s3: 33, mlflow: 44 };
    expect(choosePorts({ ui: 22 }, last, env)).toEqual({
      temporal: DEFAULT_PORTS.temporal,
      ui: 22,
      s3: 3,
      mlflow: 44,
      health: DEFAULT_PORTS.health,
    });
  });

  it('refuses a value that is not a port, and names the variable', () => {
    expect(() => choosePorts({}, {}, { RETRAIN_PORT_S3: '80a' })).toThrow(
      new BadParams('RETRAIN_PORT_S3 is "80a": give a port number from 1 to 65535'),
    );
  });

  it('refuses the same port for two parts', () => {
    expect(() => choosePorts({ ui: DEFAULT_PORTS.s3 }, {}, {})).toThrow(/both given port 8333/);
  });
});
