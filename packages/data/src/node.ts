// Data sets in files, for Node.js.
export { DATASET_NAMES, type Dataset, type DatasetName, type DatasetOptions, readDataset } from './dataset.js';
export { datasetContent, datasetIdentity } from './identity.js';
export { readCifar10, readCifar100 } from './readers/cifar.js';
export { readIdx } from './readers/idx.js';
export { readImageFolder } from './readers/image-folder.js';
export { readText } from './readers/text.js';
