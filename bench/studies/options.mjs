// The options of the studies: where data and runs lie, and the scale.
import { parseArgs } from 'node:util';

/** Numbers that set the scale: those of docs/studies by default, and those of the paper's. */
const SCALE = {
  steps: { value: 300, paper: 200000, says: 'steps of meta-training of each point' },
  'long-steps': { value: 3000, paper: 200000, says: 'steps of meta-training where one hypernetwork is asked about' },
  'train-samples': { value: 2000, paper: 10000, says: 'samples that a network is trained on' },
  'test-samples': { value: 1000, paper: 10000, says: 'samples that it is judged by' },
  epochs: { value: 2, paper: 100, says: 'epochs of its training' },
  'long-epochs': { value: 10, paper: 300, says: 'epochs where long training is asked about' },
  seeds: { value: 3, paper: 5, says: 'trainings of each network' },
  threads: { value: 1, paper: 16, says: 'threads' },
};

export const HELP = [
  'node bench/studies/main.mjs STUDY… [options]',
  '  --cifar10 DIR   CIFAR-10 in its binary layout',
  '  --text DIR      a folder with train.txt and test.txt',
  '  --idx DIR       IDX files of another data set, such as Fashion-MNIST',
  '  --runs FOLDER   where runs are kept; the same command goes on from there (studies)',
  '  --rates LIST    learning rates that are tried (0.001,0.003)',
  '  --logah-ranks LIST   ranks of LoGAH that are tried, or none (16,32,64,128: from d/4 to 2d)',
  '  --write-only    runs nothing: pictures and tables of the numbers that are there',
  ...Object.entries(SCALE).map(
    ([name, { value, paper, says }]) => `  --${name.padEnd(14)} ${says} (${value}; at the paper's scale ${paper})`,
  ),
].join('\n');

/** Reads the command line. Throws Error naming a study or number at fault. */
export function readOptions(argv, known) {
  const scale = Object.fromEntries(Object.keys(SCALE).map((name) => [name, { type: 'string' }]));
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      cifar10: { type: 'string', default: '.' },
      text: { type: 'string', default: '.' },
      idx: { type: 'string', default: '.' },
      runs: { type: 'string', default: 'studies' },
      rates: { type: 'string', default: '0.001,0.003' },
      'logah-ranks': { type: 'string', default: '16,32,64,128' },
      'write-only': { type: 'boolean' },
      help: { type: 'boolean' },
      ...scale,
    },
  });
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`there is no study "${unknown}"; there are ${known.join(', ')}`);
  if (positionals.length === 0 && !values.help) throw new Error(`which study? There are ${known.join(', ')}`);
  const numbers = Object.entries(SCALE).map(([name, { value }]) => {
    const given = values[name] === undefined ? value : Number(values[name]);
    if (!Number.isSafeInteger(given) || given < 1)
      throw new Error(`--${name} should be a positive integer, got "${values[name]}"`);
    return [name.replace(/-(.)/, (_, letter) => letter.toUpperCase()), given];
  });
  const rates = values.rates.split(',').map(Number);
  if (!rates.every((rate) => rate > 0)) throw new Error(`--rates should be positive numbers, got "${values.rates}"`);
  const ranks = values['logah-ranks'] === 'none' ? [] : values['logah-ranks'].split(',').map(Number);
  if (!ranks.every((rank) => Number.isSafeInteger(rank) && rank > 0))
    throw new Error(`--logah-ranks should be positive integers or none, got "${values['logah-ranks']}"`);
  const scaled = Object.fromEntries(numbers);
  const shape = { tokenizer: 'bytes', context: 128 };
  return {
    names: positionals,
    isHelp: values.help === true,
    options: {
      ...scaled,
      rates,
      logahRanks: ranks,
      isWriteOnly: values['write-only'] === true,
      runs: values.runs,
      images: { data: 'cifar10', dataDir: values.cifar10, ...shape, testSamples: scaled.testSamples },
      others: { data: 'idx', dataDir: values.idx, ...shape, testSamples: scaled.testSamples },
      language: { data: 'text', dataDir: values.text, ...shape, testSamples: 200 },
      command: `node bench/studies/main.mjs ${argv.join(' ')}`,
    },
  };
}
