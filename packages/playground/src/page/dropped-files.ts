// Files of a drop or a picker, with their paths in a folder.
import type { DroppedFile } from '../worker/protocol.js';

/** The files of an input. */
export const pickedFiles = ({ files }: HTMLInputElement): DroppedFile[] =>
  [...(files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

/** All files that were dropped, also those in folders. */
export async function droppedFiles(transfer: DataTransfer): Promise<DroppedFile[]> {
  // Entries are there only until the event is over.
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return (await Promise.all(entries.map((entry) => filesOf(entry)))).flat();
}

/** What files that were dropped together are called: their folder, or their names. */
export function nameOfFiles(files: ReadonlyArray<Pick<DroppedFile, 'path'>>): string {
  const folders = new Set(files.map(({ path }) => (path.includes('/') ? path.slice(0, path.indexOf('/') + 1) : '')));
  const [folder = ''] = folders;
  return folders.size === 1 && folder !== '' ? folder : files.map(({ path }) => path).join(', ');
}

async function filesOf(entry: FileSystemEntry): Promise<DroppedFile[]> {
  const path = entry.fullPath.replace(/^\//, '');
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ path, file }];
  }
  if (!isFolder(entry)) return [];
  const reader = entry.createReader();
  const files: DroppedFile[] = [];
  // A reader gives some entries at a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return files;
    for (const inner of some) files.push(...(await filesOf(inner)));
  }
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;
