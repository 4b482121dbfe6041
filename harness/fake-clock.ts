// Wrong clocks for programs that tests start. Debian's faketime answers in the system's place when a program asks for the time of day; what
// measures durations, the monotonic clock, stays right, as it does on a machine whose clock is set.
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const LIBRARIES = '/usr/lib';
const LIBRARY = 'faketime/libfaketimeMT.so.1';

/** Whether clocks cannot be made wrong on this machine, for `describe.skipIf`. Prints so. */
export function sayWhyNoFakeClock(): boolean {
  if (findLibrary() !== undefined) return false;
  process.stdout.write('No faketime on this machine (apt-get install faketime): clocks are not tried.\n');
  return true;
}

/** For a program whose clock is ahead, or behind where it is negative. */
export const wrongClock = (aheadSeconds: number): Readonly<Record<string, string>> => ({
  ...fakeTime(),
  FAKETIME: offsetOf(aheadSeconds),
});

/** A clock that is set while its program runs. Right at first. */
export class SteppedClock {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'takeoff-clock-'));
  readonly #file = path.join(this.#folder, 'offset');

  constructor() {
    this.set(0);
  }

  /** For the program that goes by it. */
  get env(): Readonly<Record<string, string>> {
    return { ...fakeTime(), FAKETIME_TIMESTAMP_FILE: this.#file, FAKETIME_NO_CACHE: '1' };
  }

  set(aheadSeconds: number): void {
    // The program reads the file whenever it asks for the time, and shall never find half of it.
    const written = `${this.#file}.new`;
    writeFileSync(written, offsetOf(aheadSeconds));
    renameSync(written, this.#file);
  }

  /** Once its program has ended. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const offsetOf = (seconds: number): string => (seconds < 0 ? String(seconds) : `+${seconds}`);

function fakeTime(): Readonly<Record<string, string>> {
  // Memory comes from the C library, also where a program brings another allocator: that of Debian's redis-server asks for the time
  // before it can give faketime the memory to answer, and both wait for ever.
  return { LD_PRELOAD: `${findLibrary()} libc.so.6`, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
}

/** Debian has a folder of libraries for each kind of processor. */
function findLibrary(): string | undefined {
  if (!existsSync(LIBRARIES)) return undefined;
  const folders = readdirSync(LIBRARIES).map((name) => path.join(LIBRARIES, name, LIBRARY));
  return folders.find((file) => existsSync(file));
}
