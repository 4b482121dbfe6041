// From the prompts of a request to their parts: text, and places of images. An image that was uploaded stands in front of
// every prompt; one that a tag names stands where the tag stood. The same URL is one image, however often a request names it.
import { InputError } from '../../../errors.js';
import type { PromptPart } from '../../../link/requests/messages.js';
import type { ImageSource } from '../../intake/image-source.js';
import { findImageTags, validateNoImageTags, type ImageTag } from '../../intake/tags.js';
import type { HttpLimits } from '../connection/http-limits.js';

export interface PromptsWithImages {
  readonly prompts: readonly (readonly PromptPart[])[];
  readonly images: readonly ImageSource[];
}

/**
 * `upload`: the file of an image request, null for a JSON request. `isList`: whether errors name prompts by their index.
 * @throws InputError request.remote_images_disabled, request.too_many_images
 */
export function placeImages(
  prompts: readonly string[],
  isList: boolean,
  upload: Uint8Array | null,
  limits: HttpLimits,
): PromptsWithImages {
  if (!limits.allowRemoteImages)
    prompts.forEach((text, index) => validateNoImageTags(text, isList ? index : null));
  if (upload !== null) return placeUpload(prompts, isList, upload);
  const images = new Map<string, { readonly image: number; readonly place: string }>();
  const numberOf = (url: string, place: string): number => {
    const known = images.get(url);
    if (known !== undefined) return known.image;
    if (images.size === limits.maxImagesPerRequest) throw tooManyInRequest(place, limits.maxImagesPerRequest);
    images.set(url, { image: images.size, place });
    return images.size - 1;
  };
  const parts = prompts.map((text, index) => {
    const place = isList ? `text[${index}]` : 'text';
    const found = findImageTags(text).parts;
    validateTagCount(found.filter((part) => part.kind === 'tag').length, place, limits.maxImagesPerPrompt);
    return found.map((part) => toPromptPart(part, (url) => numberOf(url, place)));
  });
  return { prompts: parts, images: [...images].map(([url, { place }]) => ({ kind: 'url', url, place })) };
}

function placeUpload(prompts: readonly string[], isList: boolean, bytes: Uint8Array): PromptsWithImages {
  prompts.forEach((text, index) => {
    const tags = findImageTags(text).parts.filter((part) => part.kind === 'tag').length;
    if (tags > 0) throw tagBesideUpload(isList ? `text[${index}]` : 'text');
  });
  return {
    prompts: prompts.map((text) => [
      { kind: 'image', image: 0 },
      { kind: 'text', text },
    ]),
    images: [{ kind: 'upload', bytes }],
  };
}

function toPromptPart(
  part: { readonly kind: 'text'; readonly text: string } | ImageTag,
  numberOf: (url: string) => number,
): PromptPart {
  return part.kind === 'text' ? part : { kind: 'image', image: numberOf(part.url) };
}

function validateTagCount(got: number, place: string, allowed: number): void {
  if (got <= allowed) return;
  throw new InputError(
    'request.too_many_images',
    `${place} has ${got} image tags; allowed are ${allowed}. The operator can raise max_images_per_prompt.`,
    { details: { field: place, got, allowed, setting: 'max_images_per_prompt' } },
  );
}

const tooManyInRequest = (place: string, allowed: number): InputError =>
  new InputError(
    'request.too_many_images',
    `With ${place} the request names more than ${allowed} different images. The operator can raise max_images_per_request.`,
    { details: { field: place, allowed, setting: 'max_images_per_request' } },
  );

const tagBesideUpload = (place: string): InputError =>
  new InputError(
    'request.too_many_images',
    `${place} has an image tag of the form <image:URL> beside the part image_data; only one image can be supplied with this endpoint. Send the tag to /generate without an upload.`,
    { details: { field: place, allowed: 1 } },
  );
