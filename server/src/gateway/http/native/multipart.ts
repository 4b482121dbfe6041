// Takes a whole multipart/form-data body apart (RFC 7578, RFC 2046). As lenient as servers are that people know: blanks behind a
// boundary, line feeds alone as line ends, text in front of the first boundary and behind the last. A body without its last boundary
// was cut, and is refused. Parts are views into the body; no file name is looked at.
import { InputError } from '../../../errors.js';
import { MAX_PART_HEADER_BYTES, MAX_PART_HEADERS, MAX_PARTS } from '../connection/http-limits.js';

export interface FormPart {
  /** Null where the headers that are looked at give it none. */
  readonly name: string | null;
  readonly content: Buffer;
}

/**
 * The parts in their order.
 * @param contentType of the request
 * @throws InputError request.multipart_broken, request.too_many_parts
 */
export function parseMultipart(body: Buffer, contentType: string): readonly FormPart[] {
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) throw broken('Content-Type names no boundary');
  const parts: FormPart[] = [];
  let partStart: number | undefined;
  for (const delimiter of delimitersOf(body, boundary)) {
    if (partStart !== undefined) parts.push(parsePart(body.subarray(partStart, delimiter.start)));
    if (delimiter.isLast) return parts;
    if (parts.length === MAX_PARTS) throw tooManyParts();
    partStart = delimiter.end;
  }
  if (partStart === undefined && body.length === 0) return [];
  throw broken(
    partStart === undefined
      ? 'the boundary of the Content-Type header does not occur in the body as a line of its own behind two hyphens'
      : 'it ends without its last boundary',
  );
}

const BOUNDARY = /;\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))/iu;

function boundaryOf(contentType: string): string | undefined {
  const [, quoted, bare] = BOUNDARY.exec(contentType) ?? [];
  return quoted ?? bare;
}

interface Delimiter {
  /** Where the content of the part in front of it ends. */
  readonly start: number;
  /** Where the line of the boundary ends. */
  readonly end: number;
  readonly isLast: boolean;
}

const LF = 10;
const CR = 13;
const HYPHEN = 45;
const SPACE = 32;
const TAB = 9;

/** Attack: megabytes of lines that begin like a boundary and are none. A real one is chosen not to occur in the content. */
const MAX_LOOKALIKES = 1000;

function* delimitersOf(body: Buffer, boundary: string): Generator<Delimiter> {
  // Node reads headers as Latin-1, so that this gives the bytes which the client sent.
  const dashed = Buffer.from(`--${boundary}`, 'latin1');
  // Whether the first boundary ends with a line feed alone: then a carriage return in front of the others is content.
  let hasBareLines: boolean | undefined;
  let previousEnd = 0;
  let lookalikes = 0;
  for (const at of lineStartsOf(body, dashed)) {
    const tail = at + dashed.length;
    const isLast = body[tail] === HYPHEN && body[tail + 1] === HYPHEN;
    const end = lineEnd(body, isLast ? tail + 2 : tail, isLast);
    if (end === undefined) {
      lookalikes += 1;
      if (lookalikes > MAX_LOOKALIKES) throw broken('too many of its lines begin like a boundary');
      continue;
    }
    hasBareLines ??= body[end - 2] !== CR;
    const breakBytes = !hasBareLines && body[at - 2] === CR ? 2 : 1;
    // Two boundaries in a row share the line break between them.
    yield { start: Math.max(previousEnd, at - breakBytes), end, isLast };
    previousEnd = end;
  }
}

/** Where lines begin with these bytes. */
function* lineStartsOf(body: Buffer, bytes: Buffer): Generator<number> {
  if (body.subarray(0, bytes.length).equals(bytes)) yield 0;
  const needle = Buffer.concat([Buffer.of(LF), bytes]);
  for (let at = body.indexOf(needle); at !== -1; at = body.indexOf(needle, at + needle.length)) yield at + 1;
}

/** Behind blanks and a line break, or the end of the body where that may be one; undefined where something else stands. */
function lineEnd(body: Buffer, from: number, mayEndBody: boolean): number | undefined {
  let at = from;
  while (body[at] === SPACE || body[at] === TAB) at += 1;
  if (at === body.length) return mayEndBody ? at : undefined;
  if (body[at] === LF) return at + 1;
  if (body[at] !== CR) return undefined;
  if (body[at + 1] === LF) return at + 2;
  // A last line that was cut between its two characters is whole.
  return mayEndBody && at + 1 === body.length ? body.length : undefined;
}

function parsePart(part: Buffer): FormPart {
  const { headersEnd, contentStart } = findBlankLine(part);
  return { name: nameIn(part.subarray(0, headersEnd)), content: part.subarray(contentStart) };
}

/** Searches for whole line ends, since a walk from line to line would take seconds for a body of empty headers. */
function findBlankLine(part: Buffer): { readonly headersEnd: number; readonly contentStart: number } {
  if (part[0] === LF) return { headersEnd: 0, contentStart: 1 };
  if (part[0] === CR && part[1] === LF) return { headersEnd: 0, contentStart: 2 };
  const usual = part.indexOf('\n\r\n');
  const bare = part.subarray(0, usual === -1 ? part.length : usual).indexOf('\n\n');
  if (bare !== -1) return { headersEnd: bare + 1, contentStart: bare + 2 };
  if (usual !== -1) return { headersEnd: usual + 1, contentStart: usual + 3 };
  throw broken('a part has no empty line between its headers and its content');
}

const DISPOSITION = /^content-disposition[ \t]*:[ \t]*form-data[ \t]*(;.*)$/iu;
/** The parameters one after the other, so that a file name which looks like one is none. */
const PARAMETER = /;[ \t]*([^\s=;]+)[ \t]*=[ \t]*(?:"([^"]*)"|([^\s;"]*))[ \t]*/uy;

function nameIn(headers: Buffer): string | null {
  const text = headers.subarray(0, MAX_PART_HEADER_BYTES).toString('utf8');
  const lines = text.replace(/\r?\n[ \t]+/gu, ' ').split(/\r?\n/u, MAX_PART_HEADERS);
  for (const line of lines) {
    const parameters = DISPOSITION.exec(line)?.[1];
    if (parameters === undefined) continue;
    PARAMETER.lastIndex = 0;
    for (let found = PARAMETER.exec(parameters); found !== null; found = PARAMETER.exec(parameters)) {
      const [, key = '', quoted, bare] = found;
      if (key.toLowerCase() === 'name') return quoted ?? bare ?? '';
    }
  }
  return null;
}

const tooManyParts = (): InputError =>
  new InputError('request.too_many_parts', `The multipart body has more than ${MAX_PARTS} parts.`);

const broken = (why: string): InputError =>
  new InputError('request.multipart_broken', `The body cannot be parsed as multipart/form-data: ${why}.`);
