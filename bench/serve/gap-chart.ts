// Draws the gaps between the tokens of a stream, one panel for each scenario, one line for each server, as an SVG. The vertical axis is
// logarithmic, since gaps differ a thousandfold; the shaded span is that in which another client waited for its first token.
import type { Trace } from './world.js';

const PANEL = { width: 820, height: 220, left: 64, right: 240, top: 36, bottom: 40 } as const;
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];
const MIN_GAP_MS = 1;

interface Scale {
  readonly x: (ms: number) => number;
  readonly y: (gapMs: number) => number;
}

export function gapChart(traces: readonly Trace[]): string {
  const scenarios = [...new Set(traces.map(({ scenario }) => scenario))];
  const height = PANEL.height * scenarios.length;
  const panels = scenarios.map((scenario, index) => {
    const shown = traces.filter((trace) => trace.scenario === scenario);
    return `<g transform="translate(0 ${index * PANEL.height})">${panel(scenario, shown)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${PANEL.width} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${panels.join('\n')}
</svg>
`;
}

function panel(scenario: string, traces: readonly Trace[]): string {
  const endMs = Math.max(1, ...traces.map(({ tokensMs }) => tokensMs.at(-1) ?? 0));
  const largestMs = Math.max(10, ...traces.flatMap((trace) => gapsOf(trace).map(({ gapMs }) => gapMs)));
  const decades = Math.ceil(Math.log10(largestMs / MIN_GAP_MS));
  const [plotWidth, plotHeight] = [
    PANEL.width - PANEL.left - PANEL.right,
    PANEL.height - PANEL.top - PANEL.bottom,
  ];
  const scale: Scale = {
    x: (ms) => PANEL.left + (plotWidth * ms) / endMs,
    y: (gapMs) =>
      PANEL.top + plotHeight * (1 - Math.log10(Math.max(MIN_GAP_MS, gapMs) / MIN_GAP_MS) / decades),
  };
  return [
    `<text x="${PANEL.left}" y="20" font-weight="bold">${scenario}: gap between tokens (ms) over time (s)</text>`,
    ...Array.from({ length: decades + 1 }, (_, decade) => gridLine(MIN_GAP_MS * 10 ** decade, scale, endMs)),
    ...Array.from({ length: 5 }, (_, tick) => timeLabel((endMs * tick) / 4, scale)),
    ...traces.map((trace, index) => line(trace, index, scale)),
  ].join('\n');
}

function gridLine(gapMs: number, { x, y }: Scale, endMs: number): string {
  return `<line x1="${x(0)}" x2="${x(endMs)}" y1="${y(gapMs)}" y2="${y(gapMs)}" stroke="#ddd"/><text x="${x(0) - 8}" y="${y(gapMs) + 4}" text-anchor="end">${gapMs}</text>`;
}

const timeLabel = (ms: number, { x }: Scale): string =>
  `<text x="${x(ms)}" y="${PANEL.height - 16}" text-anchor="middle">${(ms / 1000).toFixed(1)}</text>`;

function line(trace: Trace, index: number, { x, y }: Scale): string {
  const colour = COLOURS[index % COLOURS.length];
  // As long as it lasts, a gap is as high as it is long.
  const points = gapsOf(trace)
    .flatMap(({ atMs, gapMs }) =>
      [atMs - gapMs, atMs].map((ms) => `${x(ms).toFixed(1)},${y(gapMs).toFixed(1)}`),
    )
    .join(' ');
  const busyWidth = Math.max(0, x(trace.busyToMs) - x(trace.busyFromMs));
  return [
    `<rect x="${x(trace.busyFromMs)}" y="${PANEL.top}" width="${busyWidth}" height="${PANEL.height - PANEL.top - PANEL.bottom}" fill="${colour}" opacity="0.08"/>`,
    `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
    `<text x="${PANEL.width - PANEL.right + 12}" y="${PANEL.top + 16 * (index + 1)}" fill="${colour}">${trace.target}</text>`,
  ].join('\n');
}

const gapsOf = ({ tokensMs }: Trace): { readonly atMs: number; readonly gapMs: number }[] =>
  tokensMs.slice(1).map((atMs, index) => ({ atMs, gapMs: atMs - (tokensMs[index] ?? atMs) }));
