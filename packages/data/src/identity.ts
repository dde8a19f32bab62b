// What tells one data set from another: what is in its files, wherever they lie.
import { createHash } from 'node:crypto';
import { join, relative } from 'node:path';
import type { DatasetOptions } from './dataset.js';
import { cifarFiles, cifarPart } from './readers/cifar.js';
import { readBytes } from './readers/files.js';
import { idxFiles } from './readers/idx.js';
import { imageFolderFiles } from './readers/image-folder.js';

/**
 * A text that is the same for the same choice from the same content, in whatever folder it lies: the options but for the
 * folder, and {@link datasetContent}. Throws DataError naming a file that is missing.
 */
export async function datasetIdentity(options: DatasetOptions): Promise<string> {
  const { dataDir: _, ...choice } = options;
  return JSON.stringify({ ...choice, content: await datasetContent(options) });
}

/**
 * A SHA-256, in hexadecimal digits, of all files of a data set that are read, with their names within its folder.
 * Throws DataError naming a file that is missing.
 */
export async function datasetContent({ data, dataDir }: Pick<DatasetOptions, 'data' | 'dataDir'>): Promise<string> {
  const hash = createHash('sha256');
  for (const path of await filesOf(data, dataDir)) {
    const content = createHash('sha256')
      .update(await readBytes(path, partOf(data)))
      .digest('hex');
    hash.update(`${relative(dataDir, path)} ${content}\n`);
  }
  return hash.digest('hex');
}

const partOf = (data: DatasetOptions['data']): string =>
  data === 'cifar10' || data === 'cifar100' ? cifarPart(data) : 'a part of the data set';

async function filesOf(data: DatasetOptions['data'], dataDir: string): Promise<readonly string[]> {
  switch (data) {
    case 'cifar10':
    case 'cifar100':
      return cifarFiles(dataDir, data);
    case 'idx':
      return idxFiles(dataDir);
    case 'folder':
      return [...(await imageFolderFiles(join(dataDir, 'train'))), ...(await imageFolderFiles(join(dataDir, 'test')))];
    case 'text':
      return ['train.txt', 'test.txt'].map((name) => join(dataDir, name));
  }
}
