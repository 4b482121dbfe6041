// Lets a request leave before the page shows that it was asked for. Preact draws at the first moment that is free, which comes while
// a request is still being put together: promises settle one after the other, and between two of them the whole page would be drawn.
import { options } from 'preact';

/** What changes from now on is drawn once this task is over; what changes after that, at once as ever. */
export function drawAfterThisTask(): void {
  options.debounceRendering = (draw) => {
    setTimeout(() => {
      delete options.debounceRendering;
      draw();
    });
  };
}
