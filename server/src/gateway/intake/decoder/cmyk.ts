// CMYK to RGB as Pillow's convert('RGB') does it. Ported from python-pillow, src/libImaging/Convert.c, cmyk2rgb.

/** [pixels, 4] ink, 255 is full ink, to [pixels, 3] RGB. */
export function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const pixelCount = Math.floor(cmyk.length / 4);
  const rgb = new Uint8Array(pixelCount * 3);
  for (let pixel = 0; pixel < pixelCount; pixel += 1) {
    const light = 255 - (cmyk[pixel * 4 + 3] ?? 0);
    for (let channel = 0; channel < 3; channel += 1) {
      rgb[pixel * 3 + channel] = Math.max(0, light - multiply255(cmyk[pixel * 4 + channel] ?? 0, light));
    }
  }
  return rgb;
}

/** a × b / 255, rounded. */
function multiply255(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}
