// Folders of pictures: one subfolder a class, as torchvision's ImageFolder has it.
import { join } from 'node:path';
import { DataError } from '../errors.js';
import type { ImageSet } from '../images.js';
import { listFolder, listFolders, readBytes } from './files.js';

const PICTURE = /\.(jpe?g|png)$/i;

/** A small file can hold a huge picture: one of more pixels is refused. */
const MOST_PIXELS = 2 ** 26;

const CHANNELS = 3;

/**
 * All JPEG and PNG pictures of a folder of class folders, scaled to `size` pixels a side; classes and pictures in alphabetical order.
 * Needs the npm package `sharp`. Throws {@link DataError} naming the folder or picture at fault.
 */
export async function readImageFolder(folder: string, size = 32): Promise<ImageSet> {
  const { default: sharp } = await importSharp();
  const classNames: string[] = [];
  const labels: number[] = [];
  const pixels: Uint8Array[] = [];
  for (const name of await listFolders(folder, 'a folder of class folders')) {
    const pictures = await picturesOf(join(folder, name));
    if (pictures.length === 0) throw new DataError(`${join(folder, name)}: a class folder without a .jpg or .png`);
    const label = classNames.push(name) - 1;
    for (const picture of pictures) {
      const path = join(folder, name, picture);
      const bytes = await readBytes(path, 'a picture');
      // sharp throws at once for a file without a byte, and rejects for one that is no picture.
      const decode = async (): Promise<Buffer> =>
        sharp(bytes, { limitInputPixels: MOST_PIXELS })
          .removeAlpha()
          .toColourspace('srgb')
          .resize(size, size, { fit: 'fill' })
          .raw()
          .toBuffer();
      const raw = await decode().catch((cause: Error) => {
        throw new DataError(`${path}: not a picture that can be read: ${cause.message}`, { cause });
      });
      pixels.push(channelsFirst(raw, size));
      labels.push(label);
    }
  }
  if (labels.length === 0) throw new DataError(`${folder}: no class folders with pictures`);
  const all = new Uint8Array(labels.length * CHANNELS * size * size);
  pixels.forEach((picture, i) => all.set(picture, i * picture.length));
  return { pixels: all, labels: Uint16Array.from(labels), height: size, width: size, classNames };
}

const picturesOf = async (folder: string): Promise<string[]> =>
  (await listFolder(folder, 'a class folder with pictures')).filter((file) => PICTURE.test(file));

/** The files that are read of a folder of class folders. */
export async function imageFolderFiles(folder: string): Promise<string[]> {
  const names = await listFolders(folder, 'a folder of class folders');
  const files = await Promise.all(
    names.map(async (name) => (await picturesOf(join(folder, name))).map((file) => join(folder, name, file))),
  );
  return files.flat();
}

async function importSharp(): Promise<typeof import('sharp')> {
  try {
    return await import('sharp');
  } catch (cause) {
    throw new DataError('folders of pictures need the npm package sharp: npm install sharp', { cause });
  }
}

/** `[height, width, 3]` to `[3, height, width]`. */
function channelsFirst(interleaved: Uint8Array, size: number): Uint8Array {
  const plane = size * size;
  const out = new Uint8Array(CHANNELS * plane);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < CHANNELS; c++) out[c * plane + i] = interleaved[CHANNELS * i + c];
  }
  return out;
}
