// The image that questions are about, or the ways to bring one.
import type { JSX } from 'preact';
import { image, removeImage, takeImage } from '../ask/conversation.js';
import type { ChosenImage } from '../image/chosen-image.js';
import { group, status } from '../server/server.js';
import { imageTokensOf } from '../server/reader-summary.js';
import { countOf, formatBytes } from './format.js';
import { Icon, IconButton } from './icons.js';

export const ImagePanel = (): JSX.Element => (
  <section class="image-panel" aria-label="Image">
    {image.value === null ? <NoImage /> : <TheImage chosen={image.value} />}
  </section>
);

const NoImage = (): JSX.Element => (
  <div class="no-image">
    <Icon name="image" />
    <p>Drop an image here, or paste one</p>
    <div class="ways">
      <FileButton label="Choose an image" icon="folder" />
      <FileButton label="Take a photograph" icon="camera" fromCamera />
    </div>
  </div>
);

interface FileButtonProps {
  readonly label: string;
  readonly icon: 'folder' | 'camera';
  readonly fromCamera?: boolean;
}

/** A label around an input: browsers open their chooser for it, and the keyboard reaches it. */
const FileButton = ({ label, icon, fromCamera = false }: FileButtonProps): JSX.Element => (
  <label class={`button ${fromCamera ? 'camera' : ''}`}>
    <Icon name={icon} /> {label}
    <input
      type="file"
      class="unseen"
      accept="image/*"
      {...(fromCamera ? { capture: 'environment' as const } : {})}
      onChange={({ currentTarget }) => {
        const [file] = currentTarget.files ?? [];
        if (file !== undefined) void takeImage(file, file.name);
        currentTarget.value = '';
      }}
    />
  </label>
);

const TheImage = ({ chosen }: { readonly chosen: ChosenImage }): JSX.Element => (
  <figure class="the-image">
    <div class="stage">
      <img src={chosen.url} alt={`The chosen image, ${chosen.name}`} />
    </div>
    <figcaption>
      <span class="file-name">{chosen.name}</span>
      <span>{describeImage(chosen).join(' · ')}</span>
      <IconButton icon="close" label="Remove the image" onClick={removeImage} />
    </figcaption>
  </figure>
);

function describeImage({ widthPx, heightPx, sniffed, sizeBytes }: ChosenImage): string[] {
  const facts = widthPx === null || heightPx === null ? [] : [`${widthPx} × ${heightPx}`];
  if (sniffed.kind === 'accepted') facts.push(sniffed.format);
  facts.push(formatBytes(sizeBytes));
  const tokens = imageTokensOf(status.value?.readers ?? [], group.value);
  if (tokens !== null) facts.push(countOf(tokens, 'token'));
  return facts;
}
