// What only workers have; TypeScript's library for them excludes the page's, and one program holds both.

/** Reads a file and waits for it. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}
