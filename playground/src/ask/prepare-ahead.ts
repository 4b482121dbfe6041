// Prepares the image while the question is being typed, so that the question leaves at once when it is asked.
import { effect } from '@preact/signals';
import { settings } from '../settings/settings.js';
import { cropBox, image, sentImage } from './conversation.js';

/** A box that is still being drawn is not cut out yet. */
const REST_MS = 200;

export function prepareAhead(): void {
  effect(() => {
    // Whatever changes one of the three, changes what is sent.
    const [chosen, box] = [image.value, cropBox.value, settings.value.keepsOriginals];
    if (chosen === null) return undefined;
    const timer = setTimeout(() => void sentImage(), box === null ? 0 : REST_MS);
    return () => clearTimeout(timer);
  });
}
