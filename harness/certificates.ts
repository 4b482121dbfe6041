// Makes X.509 certificates (RFC 5280): an authority, and certificates that it signs. They are made when tests run, so that no private
// key lies in the repository and no other program is needed.
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface Certificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface Authority extends Certificate {
  /** A negative `daysLeft` makes a certificate that has expired. */
  issue(host: string, daysLeft?: number): Certificate;
}

const DAY_MS = 86_400_000;

export function makeAuthority(name: string): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const critical = [extension('55 1d 13', sequence(boolean(true)), true)];
  return {
    ...signed(
      { subject: name, issuer: name, daysLeft: 30, publicKey, extensions: critical },
      privateKey,
      privateKey,
    ),
    issue(host, daysLeft = 30) {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const names = [extension('55 1d 11', sequence(tagged(0x82, Buffer.from(host, 'latin1'))))];
      const body = { subject: host, issuer: name, daysLeft, publicKey: own.publicKey, extensions: names };
      return signed(body, own.privateKey, privateKey);
    },
  };
}

interface Body {
  readonly subject: string;
  readonly issuer: string;
  readonly daysLeft: number;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

function signed(body: Body, own: KeyObject, signer: KeyObject): Certificate {
  const ecdsaWithSha256 = sequence(objectId('2a 86 48 ce 3d 04 03 02'));
  const [from, to] = [Date.now() - 60 * DAY_MS, Date.now() + body.daysLeft * DAY_MS];
  const toBeSigned = sequence(
    tagged(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    distinguishedName(body.issuer),
    sequence(time(from), time(to)),
    distinguishedName(body.subject),
    body.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...body.extensions)),
  );
  const signature = sign(
    'sha256',
    toBeSigned,
    createPrivateKey(signer.export({ type: 'pkcs8', format: 'pem' })),
  );
  const certificate = sequence(
    toBeSigned,
    ecdsaWithSha256,
    tagged(0x03, Buffer.concat([Buffer.from([0]), signature])),
  );
  const lines = certificate.toString('base64').match(/.{1,64}/gu) ?? [];
  return {
    certificatePem: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    keyPem: own.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** DER (X.690): a tag, a length, and what it holds. */
function tagged(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const length =
    content.length < 128
      ? [content.length]
      : content.length < 256
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const sequence = (...contents: readonly Buffer[]): Buffer => tagged(0x30, ...contents);
const integer = (bytes: Buffer): Buffer => tagged(0x02, bytes);
const boolean = (value: boolean): Buffer => tagged(0x01, Buffer.from([value ? 0xff : 0]));
const objectId = (hex: string): Buffer => tagged(0x06, Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const distinguishedName = (commonName: string): Buffer =>
  sequence(tagged(0x31, sequence(objectId('55 04 03'), tagged(0x0c, Buffer.from(commonName)))));
/** UTCTime, whose years have two digits; it is right until 2049. */
const time = (ms: number): Buffer =>
  tagged(0x17, Buffer.from(`${new Date(ms).toISOString().slice(2, 19).replaceAll(/[-:T]/gu, '')}Z`));
const extension = (id: string, value: Buffer, isCritical = false): Buffer =>
  sequence(objectId(id), ...(isCritical ? [boolean(true)] : []), tagged(0x04, value));
