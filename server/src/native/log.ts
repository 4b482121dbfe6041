// Forwards the log lines of the native libraries to a callback; without it they would go to stderr.
import koffi from 'koffi';
import type { LlamaSymbols } from './symbols/llama.js';

export type NativeLogLevel = 'debug' | 'info' | 'warn' | 'error';
export type NativeLog = (level: NativeLogLevel, line: string) => void;

/** enum ggml_log_level; 5 continues the previous line. */
const LEVELS: Readonly<Record<number, NativeLogLevel>> = { 1: 'debug', 2: 'info', 3: 'warn', 4: 'error' };
const CONTINUATION = 5;
/** A line without an end is cut at this length, so that a native library cannot fill the memory. */
const MAX_LINE_CHARS = 16_384;

export function forwardLog(llama: LlamaSymbols, log: NativeLog): void {
  let level: NativeLogLevel = 'info';
  let pending = '';
  // typedef void (*ggml_log_callback)(enum ggml_log_level level, const char * text, void * user_data)
  const proto = koffi.proto('void ggml_log_callback(int level, const char *text, void *user_data)');
  const callback = koffi.register((native: number, text: string) => {
    if (native !== CONTINUATION) level = LEVELS[native] ?? 'info';
    pending += text;
    const lines = pending.split('\n');
    pending = (lines.pop() ?? '').slice(0, MAX_LINE_CHARS);
    for (const line of lines) if (line.trim() !== '' && line.trim() !== '.') log(level, line);
  }, koffi.pointer(proto));
  llama.logSet(callback, null);
}
