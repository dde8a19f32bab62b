// A computational graph as the PyTorch peer reads it: rows of the embedding tables, and the targets grouped by the size they are decoded at.
// Written apart from the packages, from the reference's rules, so that the peer shares no code with what it is compared to.
const range = (from, to, step) => Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
const ascending = (sizes) => [...new Set(sizes)].sort((a, b) => a - b);
const nearest = (size, known) =>
  known.reduce((best, value, i) => (Math.abs(value - size) < Math.abs(known[best] - size) ? i : best), 0);
const TYPES = [
  'max_pool',
  'avg_pool',
  'sep_conv',
  'dil_conv',
  'conv',
  'msa',
  'cse',
  'sum',
  'concat',
  'input',
  'bias',
  'bn',
  'ln',
  'pos_enc',
  'glob_avg',
];

export function peerGraph({ nodes, edges, distances, targets }, { classes, maxChannels }) {
  const n = nodes.length;
  const channels = ascending([1, 3, classes, ...range(8, 56, 8), ...range(64, 4080, 16), ...range(4096, 8192, 32)]);
  const spatial = ascending([...range(1, 15, 2), 14, 16]);
  const rowsOf = ({ shape }) => {
    if (shape === null) return [channels.length, channels.length, spatial.length, spatial.length];
    const [out, inputs = 1, height = 1, width = 1] = shape;
    return [
      nearest(out, channels),
      nearest(inputs, channels),
      nearest(height === 2 ? 3 : height, spatial),
      nearest(width === 2 ? 3 : width, spatial),
    ];
  };
  const rows = nodes.map(rowsOf);
  const degrees = (end) => nodes.map((_, node) => edges.filter((value, i) => i % 2 === end && value === node).length);
  const matrix = (value) => Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => value(i, j) + 2));
  const groups = new Map();
  for (const { parameter, node, role } of targets) {
    const { name, shape } = parameter;
    const target = { name, node, shape };
    let kernel;
    if (shape.length === 1) {
      const capped = Math.min(shape[0], maxChannels);
      const widened = capped % 3 === 0 ? (capped / 3) * 4 : capped;
      const rounded = widened >= maxChannels / 2 ? maxChannels : widened;
      kernel = [2 * rounded, 1, 1, 1];
      Object.assign(target, {
        kind: 'vector',
        gain: role === 'norm_weight',
        start: role === 'norm_weight' ? 0 : rounded,
      });
    } else if (role === 'position') {
      const side = Math.floor(Math.sqrt(shape[1]));
      kernel = [1, shape[2], side, side];
      target.kind = 'position';
    } else {
      kernel = [shape[0], shape[1], shape[2] ?? 1, shape[3] ?? 1];
      Object.assign(target, { kind: 'matrix', scale: Math.sqrt(2 / shape.slice(1).reduce((a, b) => a * b, 1)) });
    }
    const key = kernel.join();
    groups.set(key, [...(groups.get(key) ?? []), target]);
  }
  return {
    types: nodes.map(({ op }) => TYPES.indexOf(op)),
    rows: [0, 1, 2, 3].map((axis) => rows.map((row) => row[axis])),
    inDegrees: degrees(1),
    outDegrees: degrees(0),
    inputDistances: Array.from({ length: n }, (_, j) => distances[j]),
    forward: matrix((i, j) => distances[i * n + j]),
    backward: matrix((i, j) => distances[j * n + i]),
    groups: [...groups].map(([key, list]) => ({ kernel: key.split(',').map(Number), targets: list })),
  };
}
