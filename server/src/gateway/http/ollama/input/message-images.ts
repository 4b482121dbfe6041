// The images of a prompt or a message: base64 without anything around it, or a data URL, which some programs send.
import { z } from 'zod';
import type { PromptPart } from '../../../../link/requests/messages.js';
import { isDataUrl } from '../../input/base64.js';
import { invalidField, isList } from '../../input/fields.js';
import type { RequestImages } from '../../input/request-images.js';

/** The field as the description of the API tells it. */
export const describedImages = z.array(z.string().meta({ contentEncoding: 'base64' })).nullish();

/** @throws InputError */
export function parseImages(given: unknown, field: string, images: RequestImages): PromptPart[] {
  if (given === undefined || given === null) return [];
  if (!isList(given)) throw invalidField(field, given, 'a list of images in base64');
  return given.map((image, index) => {
    const place = `${field}[${index}]`;
    if (typeof image !== 'string') throw invalidField(place, image, 'an image in base64');
    return isDataUrl(image) ? images.addUrl(image, place) : images.addBase64(image, place);
  });
}
