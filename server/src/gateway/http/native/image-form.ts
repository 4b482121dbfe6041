// Reads the multipart body of the image endpoints as it arrives. Parts count by their name only: any declared type, with or
// without a file name, in any order; what else a client sends is skipped. Nothing is written to disk and no file name is used.
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { CapacityError, InputError } from '../../../errors.js';
import type { BodyBudget, BodyClaim } from '../connection/body-budget.js';
import { collectBody, overLimit } from '../connection/body-limit.js';
import { MAX_PART_HEADER_BYTES, MAX_PART_HEADERS, MAX_PARTS } from '../connection/http-limits.js';

export interface ImageForm {
  /** The parsed json_data, not yet validated. */
  readonly json: unknown;
  readonly imageBytes: Uint8Array;
}

/**
 * @throws InputError with the code of what is wrong with the form
 * @throws CapacityError server.uploads_busy
 */
export async function readImageForm(
  request: FastifyRequest,
  limitBytes: number,
  budget: BodyBudget,
): Promise<ImageForm> {
  if (!request.isMultipart()) {
    throw new InputError(
      'request.unsupported_media_type',
      'This endpoint takes multipart/form-data with the parts json_data and image_data.',
    );
  }
  using claim = budget.open();
  const { json_data: jsonBytes, image_data: imageBytes } = await Promise.race([
    readParts(request, limitBytes, claim),
    overLimit(request.raw, limitBytes),
  ]);
  if (jsonBytes === undefined) {
    throw new InputError(
      'request.part_missing',
      'The part json_data is missing: a JSON object such as {"text": "…"}.',
    );
  }
  if (imageBytes === undefined) {
    throw new InputError('request.part_missing', 'The part image_data is missing: the bytes of one image.');
  }
  return { json: parseJsonData(jsonBytes), imageBytes };
}

type PartName = 'json_data' | 'image_data';
type Parts = Partial<Record<PartName, Buffer>>;

const isPartName = (name: string): name is PartName => name === 'json_data' || name === 'image_data';

async function readParts(request: FastifyRequest, limitBytes: number, claim: BodyClaim): Promise<Parts> {
  const parts: Parts = {};
  try {
    for await (const part of partsOf(request, limitBytes)) {
      const name = part.fieldname;
      if (!isPartName(name)) {
        part.file.resume();
        continue;
      }
      if (parts[name] !== undefined) throw duplicate(name);
      parts[name] = await collectBody(part.file, limitBytes, claim);
    }
  } catch (error) {
    throw explain(error);
  }
  return parts;
}

async function* partsOf(request: FastifyRequest, limitBytes: number): AsyncGenerator<MultipartFile> {
  const parts = request.parts({
    // Every part is bytes: a form field would be decoded as text, which destroys an image without a file name.
    isPartAFile: () => true,
    limits: {
      parts: MAX_PARTS,
      headerPairs: MAX_PART_HEADERS,
      headerSize: MAX_PART_HEADER_BYTES,
      // One byte more than the whole body may have, so that no part is cut silently.
      fileSize: limitBytes + 1,
    },
  });
  for await (const part of parts) if (part.type === 'file') yield part;
}

function duplicate(name: PartName): InputError {
  if (name === 'image_data') {
    return new InputError(
      'request.too_many_images',
      'The part image_data occurs more than once; only one image can be supplied with a request.',
    );
  }
  return new InputError(
    'request.too_many_parts',
    'The part json_data occurs more than once; allowed is one.',
  );
}

function explain(error: unknown): unknown {
  // A part that is cut off is told apart from a connection that is: the client may be waiting for an answer.
  if (error instanceof CapacityError) return error;
  if (error instanceof InputError && error.code !== 'request.malformed') return error;
  if (error instanceof Error && 'code' in error && error.code === 'FST_PARTS_LIMIT') {
    return new InputError('request.too_many_parts', `The multipart body has more than ${MAX_PARTS} parts.`, {
      cause: error,
    });
  }
  return new InputError(
    'request.multipart_broken',
    'The body cannot be parsed as multipart/form-data: the boundary of the Content-Type header must be that of the body, and the body must be complete.',
    { cause: error },
  );
}

function parseJsonData(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new InputError('request.json_data_invalid', 'The part json_data is not JSON in UTF-8.', { cause });
  }
}
