// Which rows of a long table are drawn: those that can be seen, and some around them. Pure.

export interface RowRange {
  readonly first: number;
  /** The one behind the last. */
  readonly end: number;
}

/** Rows above and below that are drawn too, so that scrolling never shows an empty place. */
const MARGIN = 8;

export function visibleRows(
  { scrollTop, height }: { readonly scrollTop: number; readonly height: number },
  rowHeight: number,
  rowCount: number,
): RowRange {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - MARGIN);
  const end = Math.min(rowCount, Math.ceil((scrollTop + height) / rowHeight) + MARGIN);
  return { first: Math.min(first, rowCount), end: Math.max(end, 0) };
}
