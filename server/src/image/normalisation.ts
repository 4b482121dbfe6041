// The normalised value of every byte, as CLIPImageProcessor computes it: value / 255 rounded to f32, then (x − mean) / std in
// f32. A table, because a byte has 256 values and three channels.

/** f32 [3, 256]: channel-major, RGB. */
export function normalisationTable(mean: readonly number[], std: readonly number[]): Float32Array {
  const table = new Float32Array(3 * 256);
  for (let channel = 0; channel < 3; channel += 1) {
    const m = Math.fround(mean[channel] ?? 0);
    const s = Math.fround(std[channel] ?? 1);
    for (let value = 0; value < 256; value += 1) {
      const scaled = Math.fround(value * (1 / 255));
      table[channel * 256 + value] = Math.fround(Math.fround(scaled - m) / s);
    }
  }
  return table;
}
