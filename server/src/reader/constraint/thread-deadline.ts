// How long a thread may work on something: by its own time of the processor, because it stands back behind others and may hardly get
// any, and by a multiple of that in any case, because somebody waits for it.

/** A thread that stands back has a quarter of a core at least (thread-time.ts), unless more threads are busy than there are cores. */
const MAX_WAIT = 4;

/**
 * @param clock of the thread
 * @param onPassed is called once, unless the deadline is lifted before
 * @returns lifts it
 */
export function setDeadline(workMs: number, clock: () => number, onPassed: () => void): () => void {
  const startMs = clock();
  const lastMs = performance.now() + MAX_WAIT * workMs;
  const look = () => {
    const leftMs = Math.min(workMs - (clock() - startMs), lastMs - performance.now());
    if (leftMs < 1) onPassed();
    else timer = setTimeout(look, leftMs);
  };
  let timer = setTimeout(look, workMs);
  return () => clearTimeout(timer);
}
