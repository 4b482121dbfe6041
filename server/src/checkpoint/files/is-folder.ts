import { stat } from 'node:fs/promises';

/** False for what is not there or is not to be seen: nothing can be read from either. */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
