// The image, larger or smaller, and the box that a question is about. Pointers draw the box or push the image; the keyboard moves
// the box with the arrows, resizes it with Shift and the arrows, and Escape gives it up.
import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { cropBox } from '../ask/conversation.js';
import type { ChosenImage } from '../image/chosen-image.js';
import {
  boxBetween,
  middleBox,
  moveBox,
  resizeBox,
  type CropBox,
  type PixelSize,
} from '../image/crop-box.js';
import { FITTED, shifted, zoomed, type Zoom } from '../image/zoom.js';
import { IconButton } from './icons.js';

export const ImageStage = ({ chosen }: { readonly chosen: ChosenImage }): JSX.Element => {
  const zoom = useSignal<Zoom>(FITTED);
  const isCropping = useSignal(false);
  const size = { width: chosen.widthPx ?? 1, height: chosen.heightPx ?? 1 };
  const { scale, x, y } = zoom.value;
  return (
    <>
      <div class="stage" onWheel={(event) => zoomAt(event, zoom)}>
        <div
          class={`frame ${isCropping.value ? 'cropping' : ''}`}
          style={{ transform: `translate(${x}px, ${y}px) scale(${scale})` }}
          onPointerDown={(event) => startDrag(event, size, isCropping.value, zoom)}
        >
          <img src={chosen.url} alt={`The chosen image, ${chosen.name}`} draggable={false} />
          {cropBox.value === null ? null : <Box box={cropBox.value} image={size} />}
        </div>
      </div>
      <Tools zoom={zoom} isCropping={isCropping} image={size} />
    </>
  );
};

interface ToolsProps {
  readonly zoom: Signal<Zoom>;
  readonly isCropping: Signal<boolean>;
  readonly image: PixelSize;
}

const STEP = 1.5;

const Tools = ({ zoom, isCropping, image }: ToolsProps): JSX.Element => (
  <div class="tools">
    <IconButton
      icon="out"
      label="Smaller"
      disabled={zoom.value.scale === 1}
      onClick={() => (zoom.value = zoomed(zoom.value, 1 / STEP))}
    />
    <IconButton icon="add" label="Larger" onClick={() => (zoom.value = zoomed(zoom.value, STEP))} />
    <IconButton
      icon="crop"
      label="Ask about a part"
      pressed={isCropping.value}
      onClick={() => {
        isCropping.value = !isCropping.value;
        cropBox.value = isCropping.value ? middleBox(image) : null;
      }}
    />
    {cropBox.value === null ? null : (
      <span class="quiet">
        {cropBox.value.width} × {cropBox.value.height} of it is asked about
      </span>
    )}
  </div>
);

/** Pixels of the image that an arrow key moves the box by, as a share of the longer side. */
const KEY_SHARE = 1 / 50;
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const Box = ({ box, image }: { readonly box: CropBox; readonly image: PixelSize }): JSX.Element => {
  const percent = (part: number, whole: number): string => `${(part / whole) * 100}%`;
  const onKeyDown = (event: KeyboardEvent): void => {
    const [dx, dy] = ARROWS[event.key] ?? [0, 0];
    if (dx === 0 && dy === 0) return;
    event.preventDefault();
    const step = Math.max(1, Math.round(Math.max(image.width, image.height) * KEY_SHARE));
    const change = event.shiftKey ? resizeBox : moveBox;
    cropBox.value = change(box, dx * step, dy * step, image);
  };
  return (
    <div
      class="crop-box"
      role="group"
      tabIndex={0}
      aria-label={`Part of the image: ${box.width} by ${box.height} pixels at ${box.left}, ${box.top}. Arrows move it, Shift and arrows resize it.`}
      style={{
        left: percent(box.left, image.width),
        top: percent(box.top, image.height),
        width: percent(box.width, image.width),
        height: percent(box.height, image.height),
      }}
      onKeyDown={onKeyDown}
    />
  );
};

function zoomAt(event: WheelEvent, zoom: Signal<Zoom>): void {
  event.preventDefault();
  zoom.value = zoomed(zoom.value, event.deltaY < 0 ? 1.15 : 1 / 1.15);
}

/** Follows the pointer until it is let go. */
function startDrag(event: PointerEvent, image: PixelSize, isCropping: boolean, zoom: Signal<Zoom>): void {
  const frame = event.currentTarget;
  if (event.button !== 0 || !(frame instanceof HTMLElement)) return;
  event.preventDefault();
  frame.setPointerCapture(event.pointerId);
  const pixelOf = ({ clientX, clientY }: PointerEvent): { x: number; y: number } => {
    const { left, top, width, height } = frame.getBoundingClientRect();
    return { x: ((clientX - left) / width) * image.width, y: ((clientY - top) / height) * image.height };
  };
  const from = pixelOf(event);
  const before = zoom.value;
  const onMove = (move: PointerEvent): void => {
    if (isCropping) cropBox.value = boxBetween(from, pixelOf(move), image) ?? cropBox.value;
    else zoom.value = shifted(before, move.clientX - event.clientX, move.clientY - event.clientY);
  };
  frame.addEventListener('pointermove', onMove);
  frame.addEventListener('lostpointercapture', () => frame.removeEventListener('pointermove', onMove), {
    once: true,
  });
}
