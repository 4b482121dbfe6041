// The image that questions are about, or the ways to bring one.
import type { JSX } from 'preact';
import { image, removeImage, takeImage } from '../ask/conversation.js';
import type { ChosenImage } from '../image/chosen-image.js';
import { planUpload } from '../image/plan-upload.js';
import { imageCost } from '../server/image-cost.js';
import { status } from '../server/server.js';
import { settings } from '../settings/settings.js';
import { countOf, formatBytes } from './format.js';
import { Icon, IconButton } from './icons.js';
import { ImageStage } from './image-stage.js';

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
  /** Whether only the icon is seen. */
  readonly isSmall?: boolean;
}

/** A label around an input: browsers open their chooser for it, and the keyboard reaches it. */
const FileButton = ({ label, icon, fromCamera = false, isSmall = false }: FileButtonProps): JSX.Element => (
  <label class={`button ${fromCamera ? 'camera' : ''} ${isSmall ? 'icon-button' : ''}`} title={label}>
    <Icon name={icon} /> <span class={isSmall ? 'unseen' : ''}>{label}</span>
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
    {chosen.widthPx === null ? (
      <div class="no-image">
        <Icon name="image" />
      </div>
    ) : (
      <ImageStage key={chosen.url} chosen={chosen} />
    )}
    <figcaption>
      <span class="file-name">{chosen.name}</span>
      <span>{describeImage(chosen).join(' · ')}</span>
      <FileButton label="Choose another image" icon="folder" isSmall />
      <IconButton icon="close" label="Remove the image" onClick={removeImage} />
    </figcaption>
    <Refusal chosen={chosen} />
  </figure>
);

/** What is wrong with the image is said when it is chosen, not when it has been uploaded. */
const Refusal = ({ chosen }: { readonly chosen: ChosenImage }): JSX.Element | null => {
  const plan = planUpload(chosen, {
    box: null,
    keepsOriginal: settings.value.keepsOriginals,
    limits: status.value?.limits ?? null,
  });
  if (plan.kind === 'refused')
    return (
      <p class="refusal" role="alert">
        {plan.reason}
      </p>
    );
  return plan.kind === 'redrawn' && plan.box.width > plan.widthPx ? (
    <p class="quiet">
      Sent as {plan.widthPx} × {plan.heightPx}; the settings can send it as it is.
    </p>
  ) : null;
};

function describeImage({ widthPx, heightPx, sniffed, sizeBytes }: ChosenImage): string[] {
  const facts = widthPx === null || heightPx === null ? [] : [`${widthPx} × ${heightPx}`];
  if (sniffed.kind === 'accepted') facts.push(sniffed.format);
  facts.push(formatBytes(sizeBytes));
  const cost = imageCost.value;
  if (cost.tokens !== null) facts.push(countOf(cost.tokens, 'token'));
  if (!cost.fits) facts.push('more than the model can read');
  return facts;
}
