import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

const SRV = 33;
const TXT = 16;

/** A DNS server on loopback that answers every SRV query with one host and every TXT query with one text. */
export async function startDnsDouble(answers: { host: string; port: number; text: string }) {
  const socket = createSocket("udp4");
  socket.on("message", (query, { address, port }) => {
    const end = query.indexOf(0, 12) + 5;
    const type = query.readUInt16BE(end - 4);
    const records = recordsOf(type, answers);
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(records.length, 6);
    head.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([head, query.subarray(12, end), ...records]), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    address: `127.0.0.1:${(socket.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => socket.close(),
  };
}

function recordsOf(
  type: number,
  { host, port, text }: { host: string; port: number; text: string },
): Buffer[] {
  if (type === TXT) return [record(TXT, Buffer.from([text.length, ...Buffer.from(text)]))];
  if (type !== SRV) return [];
  const name = host.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
  const data = Buffer.from([0, 0, 0, 0, 0, 0, ...name, 0]);
  data.writeUInt16BE(port, 4);
  return [record(SRV, data)];
}

/** A record of RFC 1035, section 4.1.3. Its name points to the question. */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(60, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
