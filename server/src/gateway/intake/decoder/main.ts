// The decoder child: takes one image at a time from the gateway, answers with tiles or a refusal, and ends when the gateway is
// gone. It runs hostile bytes through C code, so it is a process of its own that may die.
import { InputError } from '../../../errors.js';
import { preprocess } from '../../../image/preprocess.js';
import { validateSize } from '../header.js';
import { decodeImage, prepareDecoder } from './decode.js';
import { encodeWhole } from './encode-whole.js';
import { type DecodeJob, decodeJobSchema, type FromDecoder } from './messages.js';

function say(message: FromDecoder): void {
  // Without a channel the gateway is gone, and `disconnect` ends this process.
  process.send?.(message);
}

async function work(job: DecodeJob): Promise<FromDecoder> {
  const bitmap = await decodeImage(job.bytes, job.format, job.maxImagePixels);
  validateSize(bitmap, { maxImagePixels: job.maxImagePixels });
  const { form } = job;
  const tiles =
    form.aspect === 'whole' ? await encodeWhole(bitmap, form.maxPixels) : preprocess(bitmap, form);
  const residentBytes = process.memoryUsage.rss();
  return { kind: 'decoded', widthPx: bitmap.widthPx, heightPx: bitmap.heightPx, tiles, residentBytes };
}

function refusal(error: unknown): FromDecoder {
  // Anything but a validated input is a defect: die, so that the gateway sees it and starts a fresh process.
  if (!(error instanceof InputError)) throw error;
  return { kind: 'refused', code: error.code, message: error.message.slice(0, 1000) };
}

process.on('disconnect', () => process.exit(0));
// The gateway decides when a child ends: a Ctrl-C in a terminal, or a service manager's SIGTERM, reaches the whole group, while
// the gateway still finishes what it accepted.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('message', (message) => void work(decodeJobSchema.parse(message)).catch(refusal).then(say));
prepareDecoder();
say({ kind: 'ready' });
