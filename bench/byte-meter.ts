import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A proxy in front of a server that counts the bytes in each direction. */
export interface ByteMeter {
  /** URL to use instead of the server's. */
  url: string;
  /** Bytes since the last call, as the client counts them. */
  take: () => { up: number; down: number };
  close: () => void;
}

/** Opens a meter on localhost in front of `target`, an http URL. */
export async function openByteMeter(target: string): Promise<ByteMeter> {
  const { hostname: host, port } = new URL(target);
  const count = { up: 0, down: 0 };
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect({ host, port: Number(port) });
    client.on('data', (chunk) => (count.up += chunk.length)).pipe(upstream);
    upstream.on('data', (chunk) => (count.down += chunk.length)).pipe(client);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      // When one side closes the connection, the other is closed too, as without the proxy.
      socket.on('error', () => other.destroy()).on('close', () => open.delete(socket));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take: () => {
      const taken = { ...count };
      Object.assign(count, { up: 0, down: 0 });
      return taken;
    },
    close: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
