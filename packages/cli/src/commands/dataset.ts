// `logah dataset`: data sets of architectures, and how large their networks are.
import { resolve } from 'node:path';
import { type DatasetStatistics, datasetStatistics, datasetToJsonLines } from '@logah/arch-datasets';
import { columnChart, standalone } from '@logah/charts';
import { counted } from '@logah/files';
import { writeFile } from '@logah/files/node';
import { Command, Option } from 'commander';
import { ARCHITECTURE_SETS, readArchitectureSet } from '../architecture-set.js';
import { CliError } from '../errors.js';
import { fileOf } from '../named-file.js';
import { integerOption, SEED } from '../options.js';
import { print } from '../print.js';
import { textTable, thousands } from '../text-table.js';

interface DatasetOptions {
  readonly seed: number;
  readonly out?: string;
  readonly stats?: true;
  readonly svg?: string;
  readonly json?: true;
}

export const datasetCommand = (): Command =>
  new Command('dataset')
    .description('draws a data set of architectures as JSON Lines')
    .argument('<name>', `${ARCHITECTURE_SETS.join(', ')}, or a *.jsonl file`)
    .addOption(integerOption('--seed <integer>', 'of what is drawn', SEED, 0))
    .option('--out <file>', 'where the entries go, one a line; without it and --stats they are printed')
    .option('--stats', 'how many there are, and how large')
    .addOption(new Option('--svg <file>', 'the sizes as a picture').argParser(fileOf(['.svg'])))
    .option('--json', 'the statistics as JSON')
    .action(async (name: string, { seed, out, stats, svg, json }: DatasetOptions) => {
      if (out !== undefined && svg !== undefined && resolve(out) === resolve(svg))
        throw new CliError(`--out and --svg are both ${out}: the picture would replace the entries`);
      const entries = await readArchitectureSet(name, { seed });
      const statistics = datasetStatistics(entries);
      if (out !== undefined) await writeFile(out, datasetToJsonLines(entries));
      if (svg !== undefined) await writeFile(svg, standalone(histogramChart(name, statistics)));
      if (json) print(JSON.stringify(statistics));
      else if (stats) print(statisticsText(name, statistics));
      else if (out === undefined && svg === undefined) process.stdout.write(datasetToJsonLines(entries));
    });

const millions = (count: number): string => `${(count / 1e6).toFixed(1)}M`;
const binName = ({ histogram: { edges } }: DatasetStatistics, bin: number): string =>
  `${millions(edges[bin])}–${millions(edges[bin + 1])}`;

function statisticsText(name: string, statistics: DatasetStatistics): string {
  const { entries, distinct, parameters, histogram } = statistics;
  const widest = Math.max(...histogram.counts);
  return [
    `${name}: ${counted(entries.train, 'architecture')} to train on (${distinct.train} distinct), ${entries.validation} (${distinct.validation}) to validate, ${entries.test} (${distinct.test}) to test`,
    `parameters: ${thousands(parameters.least)} to ${thousands(parameters.most)}, mean ${thousands(Math.round(parameters.mean))}`,
    '',
    textTable(
      ['parameters', 'entries', ''],
      histogram.counts.map((count, bin) => [
        binName(statistics, bin),
        String(count),
        '█'.repeat(Math.round((30 * count) / widest)),
      ]),
    ),
  ].join('\n');
}

const histogramChart = (name: string, statistics: DatasetStatistics): string =>
  columnChart(
    { title: `${name}: how large the networks are`, x: 'parameters', y: 'entries' },
    statistics.histogram.counts.map((_, bin) => binName(statistics, bin)),
    { name: 'entries', color: '#2f7ed8', values: statistics.histogram.counts },
  );
