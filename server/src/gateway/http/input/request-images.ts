// The images of one request, numbered in the order in which its prompts show them. The same URL is one image, however often it
// stands in the request.
import { InputError } from '../../../errors.js';
import type { PromptPart } from '../../../link/requests/messages.js';
import type { ImageSource } from '../../intake/image-source.js';
import type { HttpLimits } from '../connection/http-limits.js';
import { decodeBase64, decodeDataUrl, isDataUrl } from './base64.js';
import { invalidField } from './fields.js';

const WEB_ADDRESS = /^https?:/iu;

export class RequestImages {
  readonly #limits: HttpLimits;
  readonly #sources: ImageSource[] = [];
  /** By URL, or by base64 text. */
  readonly #indices = new Map<string, number>();
  #shownCount = 0;

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  get sources(): readonly ImageSource[] {
    return this.#sources;
  }

  /**
   * @param field where the URL stands in the request
   * @throws InputError request.field_invalid, request.remote_images_disabled, request.too_many_images
   */
  addUrl(url: string, field: string): PromptPart {
    if (isDataUrl(url)) return this.#add(url, field, () => inline(decodeDataUrl(url, field), field));
    if (!WEB_ADDRESS.test(url))
      throw invalidField(field, url, 'a data URL (data:image/png;base64,…), or an http or https address');
    if (!this.#limits.allowRemoteImages) throw remoteImagesDisabled(field);
    return this.#add(url, field, () => ({ kind: 'url', url, place: field }));
  }

  /** @throws InputError request.field_invalid, request.too_many_images */
  addBase64(base64: string, field: string): PromptPart {
    return this.#add(base64, field, () => inline(decodeBase64(base64, field), field));
  }

  #add(key: string, field: string, toSource: () => ImageSource): PromptPart {
    const { maxImagesPerPrompt, maxImagesPerRequest } = this.#limits;
    this.#shownCount += 1;
    if (this.#shownCount > maxImagesPerPrompt)
      throw tooManyImages(field, maxImagesPerPrompt, 'max_images_per_prompt');
    const known = this.#indices.get(key);
    if (known !== undefined) return { kind: 'image', image: known };
    const image = this.#sources.length;
    if (image === maxImagesPerRequest)
      throw tooManyImages(field, maxImagesPerRequest, 'max_images_per_request');
    this.#sources.push(toSource());
    this.#indices.set(key, image);
    return { kind: 'image', image };
  }
}

const inline = (bytes: Uint8Array, place: string): ImageSource => ({ kind: 'upload', bytes, place });

const tooManyImages = (field: string, allowed: number, setting: string): InputError =>
  new InputError(
    'request.too_many_images',
    `With ${field} the request shows more than ${allowed} ${allowed === 1 ? 'image' : 'images'}, those of earlier turns included. The operator can raise ${setting}.`,
    { details: { field, allowed, setting } },
  );

const remoteImagesDisabled = (field: string): InputError =>
  new InputError(
    'request.remote_images_disabled',
    `${field} is a web address, and this server does not fetch remote images. Send the image as a data URL (data:image/png;base64,…), ` +
      'or have the operator set allow_remote_images (TAKEOFF_ALLOW_REMOTE_IMAGES=true).',
    { details: { field, setting: 'allow_remote_images' } },
  );
