export { type Batch, type DataSource, epochBatches, subset } from './batch.js';
export { DataError, greyImages, type ImageSet, type ImageSourceOptions, imageSource } from './images.js';
