// Answers with a file of a page: in the smallest form that the client takes, or not at all where it has it already.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageFile } from './page-files.js';

export function sendFile(file: PageFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.headers({
    etag: file.etag,
    vary: 'Accept-Encoding',
    'x-content-type-options': 'nosniff',
  });
  if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
  const [encoding, bytes] = smallest(file, request.headers['accept-encoding'] ?? '');
  if (encoding !== null) reply.header('content-encoding', encoding);
  return reply.type(file.contentType).send(bytes);
}

function smallest({ plain, brotli, gzip }: PageFile, accepted: string): readonly [string | null, Buffer] {
  if (brotli !== null && accepts(accepted, 'br')) return ['br', brotli];
  if (gzip !== null && accepts(accepted, 'gzip')) return ['gzip', gzip];
  return [null, plain];
}

const accepts = (header: string, encoding: string): boolean =>
  header.split(',').some((part) => {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    return name === encoding && !parameters.some((parameter) => /^q=0(?:\.0*)?$/u.test(parameter));
  });
