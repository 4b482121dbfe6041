// Files out of what was dropped or pasted, folders included.

/** Null where no file is in it. */
export const firstFileOf = (transfer: DataTransfer | null): File | null => transfer?.files[0] ?? null;

export interface NamedFile {
  readonly file: File;
  /** With the folders that it lies in. */
  readonly path: string;
}

/** Every file that was dropped, and every file in every folder that was. */
export async function allFilesOf(transfer: DataTransfer | null): Promise<readonly NamedFile[]> {
  // The list is emptied when the event is over, so everything is taken out of it before anything is waited for.
  const entries = [...(transfer?.items ?? [])].map((item) => item.webkitGetAsEntry());
  const found = await Promise.all(entries.filter((entry) => entry !== null).map(filesIn));
  return found.flat();
}

async function filesIn(entry: FileSystemEntry): Promise<NamedFile[]> {
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//u, '') }];
  }
  if (!isFolder(entry)) return [];
  const reader = entry.createReader();
  const files: NamedFile[] = [];
  // A call gives a part of the folder, a hundred entries in some browsers; none are left when it gives nothing.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (part.length === 0) return files;
    for (const inner of part) files.push(...(await filesIn(inner)));
  }
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;
