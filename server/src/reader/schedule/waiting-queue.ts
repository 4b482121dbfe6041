// Prompts that wait for a place, and whose turn it is. First come, first served among requests, with turns inside lists: the next
// prompt is one of the request of which the fewest run, of several such the one that came first. So a list of a thousand prompts
// keeps one place at least, and does not keep out a request that came after it. What had a place and lost it comes before all.

export class WaitingQueue<T> {
  /** What was put back: the last one first, since it was admitted before those that were put back earlier. */
  readonly #returned: { readonly requestId: string; readonly item: T }[] = [];
  /** In order of arrival. */
  readonly #requests = new Map<string, T[]>();
  #count = 0;

  get size(): number {
    return this.#count;
  }

  push(requestId: string, item: T): void {
    this.#count += 1;
    const items = this.#requests.get(requestId);
    if (items === undefined) this.#requests.set(requestId, [item]);
    else items.push(item);
  }

  /** Puts something back that had been taken. */
  putBack(requestId: string, item: T): void {
    this.#count += 1;
    this.#returned.unshift({ requestId, item });
  }

  /** Whose turn it is. @param runningOf how many of a request run now */
  next(runningOf: (requestId: string) => number): T | undefined {
    const [returned] = this.#returned;
    if (returned !== undefined) return returned.item;
    return this.#requests.get(this.#nextRequest(runningOf) ?? '')?.[0];
  }

  /** Takes out what `next` says. */
  take(runningOf: (requestId: string) => number): void {
    if (this.#count > 0) this.#count -= 1;
    if (this.#returned.shift() !== undefined) return;
    const requestId = this.#nextRequest(runningOf) ?? '';
    const items = this.#requests.get(requestId);
    items?.shift();
    if (items?.length === 0) this.#requests.delete(requestId);
  }

  /** Takes out all of a request, in order. */
  remove(requestId: string): T[] {
    const returned = this.#returned.filter((entry) => entry.requestId === requestId);
    const kept = this.#returned.filter((entry) => entry.requestId !== requestId);
    this.#returned.splice(0, this.#returned.length, ...kept);
    const removed = [...returned.map(({ item }) => item), ...(this.#requests.get(requestId) ?? [])];
    this.#requests.delete(requestId);
    this.#count -= removed.length;
    return removed;
  }

  /** Takes out all. */
  clear(): T[] {
    const all = [...this.#returned.map(({ item }) => item), ...[...this.#requests.values()].flat()];
    this.#returned.length = 0;
    this.#requests.clear();
    this.#count = 0;
    return all;
  }

  #nextRequest(runningOf: (requestId: string) => number): string | undefined {
    let next: string | undefined;
    let fewest = Infinity;
    for (const requestId of this.#requests.keys()) {
      const running = runningOf(requestId);
      if (running >= fewest) continue;
      next = requestId;
      fewest = running;
      if (fewest === 0) break;
    }
    return next;
  }
}
