/** The server name that a TLS client asks for, in the clear, with its first bytes (ClientHello: RFC 8446, section 4.1.2; its extension server_name: RFC 6066, section 3). */

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
/** Of the record and of the handshake in it, the client's version, and its random bytes. */
const UP_TO_SESSION = 5 + 4 + 2 + 32;

/** Undefined where the bytes are no ClientHello, are cut off, or name no server. */
export function serverNameIn(bytes: Buffer): string | undefined {
  if (bytes[0] !== HANDSHAKE || bytes[5] !== CLIENT_HELLO) return undefined;
  try {
    const session = UP_TO_SESSION + 1 + bytes.readUInt8(UP_TO_SESSION);
    const ciphers = session + 2 + bytes.readUInt16BE(session);
    const extensions = ciphers + 1 + bytes.readUInt8(ciphers);
    return nameAmong(bytes.subarray(extensions + 2, extensions + 2 + bytes.readUInt16BE(extensions)));
  } catch (error) {
    if (error instanceof RangeError) return undefined; // it ends before it should
    throw error;
  }
}

/** Each is a type, a length and that many bytes; those of server_name are a list, of which the first one counts. */
function nameAmong(extensions: Buffer): string | undefined {
  for (let at = 0; at < extensions.length; at += 4 + extensions.readUInt16BE(at + 2)) {
    if (extensions.readUInt16BE(at) !== SERVER_NAME) continue;
    const from = at + 4 + 2 + 1 + 2;
    const to = from + extensions.readUInt16BE(from - 2);
    return to > extensions.length ? undefined : extensions.toString("ascii", from, to);
  }
  return undefined;
}
