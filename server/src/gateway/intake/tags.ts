// Finds inline image tags in a prompt: `<image:URL>`, in any position, in one pass over the text. A tag is exactly `<image:` in
// lower case, a URL with a scheme and without white space or angle brackets, and `>`. Everything else stays text: a bare
// `<image>`, `<IMAGE:…>`, an unclosed tag, a tag with blanks inside. Tags with schemes that are never fetched (ftp, file, data)
// are still tags, so that they are refused by name; as text they would make the model invent an image. It validates no address.
import { InputError } from '../../errors.js';

export interface TextBetweenTags {
  readonly kind: 'text';
  readonly text: string;
}

export interface ImageTag {
  readonly kind: 'tag';
  readonly url: string;
  /** Lower case, without the colon. Only `http` and `https` can be fetched. */
  readonly scheme: string;
  /** Range of the whole tag in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

export interface TaggedText {
  /** In order, without empty text; joining texts and tags gives the prompt back. */
  readonly parts: readonly (TextBetweenTags | ImageTag)[];
}

const OPENING = '<image:';
/** What may not stand inside a tag: where the search for its end stops. */
const BOUNDARY = /[\s<>]/gu;
const SCHEME = /^([a-z][a-z0-9+.-]*):./iu;

export function findImageTags(text: string): TaggedText {
  const parts: (TextBetweenTags | ImageTag)[] = [];
  let textStart = 0;
  let start = text.indexOf(OPENING);
  while (start !== -1) {
    const tag = tagAt(text, start);
    if (tag !== undefined) {
      if (start > textStart) parts.push({ kind: 'text', text: text.slice(textStart, start) });
      parts.push(tag);
      textStart = tag.end;
    }
    // Inside a tag there is no `<`, so no later tag starts before its end.
    start = text.indexOf(OPENING, tag?.end ?? start + OPENING.length);
  }
  if (textStart < text.length) parts.push({ kind: 'text', text: text.slice(textStart) });
  return { parts };
}

/** Throws `request.remote_images_disabled` if the prompt has a tag; `prompt` is its index in a list, null for a single text. */
export function validateNoImageTags(text: string, prompt: number | null): void {
  const tags = findImageTags(text).parts.filter((part) => part.kind === 'tag').length;
  if (tags === 0) return;
  const place = prompt === null ? 'text' : `text[${prompt}]`;
  throw new InputError(
    'request.remote_images_disabled',
    `${place} has ${tags === 1 ? 'an image tag' : `${tags} image tags`} of the form <image:URL>, and this server does not fetch remote images. ` +
      'Upload the image to /image_generate, or have the operator set allow_remote_images (TAKEOFF_ALLOW_REMOTE_IMAGES=true).',
    { details: { field: place, got: tags, allowed: 0, setting: 'allow_remote_images' } },
  );
}

function tagAt(text: string, start: number): ImageTag | undefined {
  BOUNDARY.lastIndex = start + OPENING.length;
  const boundary = BOUNDARY.exec(text);
  if (boundary?.[0] !== '>') return undefined;
  const url = text.slice(start + OPENING.length, boundary.index);
  const scheme = SCHEME.exec(url)?.[1];
  if (scheme === undefined) return undefined;
  return { kind: 'tag', url, scheme: scheme.toLowerCase(), start, end: boundary.index + 1 };
}
