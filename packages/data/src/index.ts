export { type Batch, type DataSource, epochBatches, subset } from './batch.js';
export { DataError, greyImages, type ImageSet, type ImageSourceOptions, imageSource } from './images.js';
export { byteTokenizer, gpt2Tokenizer, type Tokenizer, textSource } from './text.js';
