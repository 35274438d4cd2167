/** A TCP connection through which everything takes its time, in both directions and in order. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface SlowLink {
  readonly port: number;
  /** From now on; 0: as fast as it goes. */
  delay(byMs: () => number): void;
  close(): Promise<void>;
}

export async function openSlowLink(toPort: number): Promise<SlowLink> {
  const sockets = new Set<Socket>();
  let delayMs = (): number => 0;
  const server = createServer((near) => {
    const far = connect(toPort, "127.0.0.1");
    for (const [from, to] of [[near, far], [far, near]] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => (sockets.delete(from), to.destroy()));
      passOn(from, to, () => delayMs());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    delay: (byMs) => void (delayMs = byMs),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** No chunk overtakes another. */
function passOn(from: Socket, to: Socket, delayMs: () => number): void {
  let lastAtMs = 0;
  from.on("data", (chunk) => {
    lastAtMs = Math.max(lastAtMs, performance.now() + delayMs());
    setTimeout(() => to.destroyed || to.write(chunk), lastAtMs - performance.now());
  });
}
