/** Waits until a peer has taken in what was sent to it: a pong comes back behind all of it. Or until the connection is gone. */
import type { WebSocket } from 'ws';

export function settled(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState !== socket.OPEN) {
      resolve();
      return;
    }
    const done = () => {
      socket.off('pong', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('pong', done);
    socket.on('close', done);
    socket.ping();
  });
}
