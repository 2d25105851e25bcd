import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP connection to a server that can be slow or gone. */
export interface Way {
  /** `host:port`. */
  address: string;
  /** Accepts connections from now on, and forwards nothing for this time. */
  delay: (ms: number) => void;
  /** Breaks every connection, and refuses others. */
  cut: () => void;
}

/** @param target `host:port` */
export async function openWay(target: string): Promise<Way> {
  const [host, port] = target.split(':') as [string, string];
  const sockets = new Set<Socket>();
  let wait = 0;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    keep(near).pause();
    setTimeout(() => {
      if (near.destroyed) return;
      const far = keep(connect({ host, port: Number(port) }));
      near.pipe(far).pipe(near);
      near.once('close', () => far.destroy());
      far.once('close', () => near.destroy());
    }, wait);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    delay: (ms) => void (wait = ms),
    cut: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
