// A DNS server that answers questions for addresses (RFC 1035), records them, and may answer differently each time.
import type { Socket } from 'node:dgram';
import { isIP } from 'node:net';
import { parseAddress } from 'takeoff-server/gateway/intake/remote/ip-address.js';

const HEADER_BYTES = 12;
const CLASS_INTERNET = 1;
const TYPES = new Map([
  [1, 'A'],
  [28, 'AAAA'],
]);
/** Response to a recursive question, recursion available. */
const ANSWERED = 0x8180;
const NO_SUCH_NAME = 3;

export class NameServer {
  /** Questions such as `AAAA images.test`, in the order of their arrival. */
  readonly questions: string[] = [];
  readonly #names = new Map<string, readonly (readonly string[])[]>();

  constructor(socket: Socket) {
    socket.on('message', (message, { address, port }) => {
      socket.send(this.#answer(message), port, address);
    });
  }

  /** Sets the addresses of a name, of either family. Further lists answer later questions; the last list answers all that follow. */
  set(name: string, ...addresses: readonly (readonly string[])[]): void {
    this.#names.set(name, addresses);
  }

  #answer(message: Buffer): Buffer {
    const { name, end } = readName(message);
    const type = message.readUInt16BE(end);
    const question = `${TYPES.get(type) ?? type} ${name}`;
    const earlier = this.questions.filter((other) => other === question).length;
    this.questions.push(question);
    const answers = this.#names.get(name);
    const addresses = (answers?.[earlier] ?? answers?.at(-1) ?? [])
      .filter((address) => isIP(address) === (type === 28 ? 6 : 4))
      .map((address) => record(type, address));
    const header = Buffer.alloc(HEADER_BYTES);
    message.copy(header, 0, 0, 2);
    header.writeUInt16BE(ANSWERED | (answers === undefined ? NO_SUCH_NAME : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(addresses.length, 6);
    return Buffer.concat([header, message.subarray(HEADER_BYTES, end + 4), ...addresses]);
  }
}

/** The name of the first question, and where it ends. */
function readName(message: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let offset = HEADER_BYTES;
  for (let length = message.readUInt8(offset); length > 0; length = message.readUInt8(offset)) {
    labels.push(message.toString('latin1', offset + 1, offset + 1 + length));
    offset += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: offset + 1 };
}

/** A resource record of the first question's name with a time to live of 0. */
function record(type: number, address: string): Buffer {
  const fields = Buffer.alloc(12);
  fields.writeUInt16BE(0xc000 | HEADER_BYTES, 0);
  fields.writeUInt16BE(type, 2);
  fields.writeUInt16BE(CLASS_INTERNET, 4);
  const bits = parseAddress(address)?.bits ?? 0n;
  const byteCount = type === 28 ? 16 : 4;
  fields.writeUInt16BE(byteCount, 10);
  return Buffer.concat([fields, Buffer.from(bits.toString(16).padStart(byteCount * 2, '0'), 'hex')]);
}
