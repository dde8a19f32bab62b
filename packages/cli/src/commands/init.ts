// `logah init`: the parameters of a network from any start, as a safetensors file.
import { type Graph, parameterCount, type VitNaming } from '@logah/graph-ir';
import { INITIALIZER_HELP, type Initializer, startRandom } from '@logah/init-eval';
import { readInitializer } from '@logah/init-eval/node';
import type { FloatDType } from '@logah/safetensors';
import { Command } from 'commander';
import { ARCHITECTURE_HELP, readArchitecture, sizeOption } from '../architecture-argument.js';
import { type BackendName, backendOption, useBackend } from '../backend.js';
import { CliError } from '../errors.js';
import { checkMemory } from '../memory.js';
import { integerOption, SEED } from '../options.js';
import {
  dtypeOption,
  type NamedTensor,
  namesOption,
  outFile,
  strictOption,
  writeParameters,
} from '../parameter-file.js';

interface InitCommandOptions {
  readonly init: string;
  readonly out: string;
  readonly seed: number;
  readonly dtype: FloatDType;
  readonly strict?: true;
  readonly names: VitNaming;
  readonly json?: true;
  readonly backend?: BackendName;
  readonly size?: Readonly<Record<string, number>>;
}

export const initCommand = (): Command =>
  new Command('init')
    .description('writes the initial parameters of an architecture as safetensors, from any start that can be compared')
    .argument('<arch>', ARCHITECTURE_HELP)
    .requiredOption('--init <start>', INITIALIZER_HELP)
    .requiredOption('--out <file>', 'where the parameters go, as safetensors', outFile)
    .addOption(
      integerOption(
        '--seed <integer>',
        'of what is drawn: the same start as that of `logah eval` for this seed',
        SEED,
        0,
      ),
    )
    .addOption(dtypeOption())
    .addOption(strictOption())
    .addOption(namesOption())
    .option('--json', 'the result as JSON')
    .addOption(sizeOption())
    .addOption(backendOption())
    .action(async (architecture: string, options: InitCommandOptions) => {
      const { init, seed, out, dtype, strict, names, json } = options;
      const graph = await readArchitecture(architecture, options.size);
      checkMemory(parameterCount(graph), `the parameters of ${architecture}`);
      const backend = await useBackend(options.backend);
      const initializer = await readInitializer(init);
      const tensors = valuesOf(() => initializer(graph, startRandom(seed)), graph, init);
      const origin = { initialized_by: init, seed: String(seed) };
      await writeParameters(tensors, { architecture, graph, backend, origin, out, dtype, strict, names, json });
    });

/** The values of a graph's parameters, one after the other; each tensor is freed when it was read. */
async function* valuesOf(make: () => ReturnType<Initializer>, graph: Graph, init: string): AsyncGenerator<NamedTensor> {
  const start = await make();
  for (const { name } of graph.parameters) {
    if (!Object.hasOwn(start, name))
      throw new CliError(`${init} gives no parameter "${name}", which the network wants`);
    const { shape } = start[name];
    const data = Float32Array.from(await start[name].data());
    start[name].dispose();
    if (!data.every(Number.isFinite)) throw new CliError(`${init} gives "${name}" values that are NaN or infinite`);
    yield { name, shape, data };
  }
}
