export { type Batch, type DataSource, epochBatches, subset } from './batch.js';
export { DataError } from './errors.js';
export { greyImages, type ImageSet, type ImageSourceOptions, imageSource } from './images.js';
export { byteTokenizer, gpt2Tokenizer, type Tokenizer, textSource } from './text.js';
