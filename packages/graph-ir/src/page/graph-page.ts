// The HTML of a page that shows a network.
import type { Drawing } from '../draw/drawing.js';
import { MARKS } from '../draw/styles.js';
import { escaped } from '../draw/svg-text.js';
import { DATA_ID, type PageData } from './data.js';
import type { ValueStatistics } from './statistics.js';
import { STYLE } from './style.js';
import script from './viewer.js?script';

/**
 * A page that shows a drawing: it searches, zooms, opens folded blocks and says on a click what a node is. With
 * `statistics` of parameters by name, nodes can be coloured by them. The page fetches nothing, and its policy forbids it to.
 */
export function graphPage(
  drawing: Drawing,
  { statistics = new Map() }: { readonly statistics?: ReadonlyMap<string, ValueStatistics> } = {},
): string {
  const numbers = new Map<string, number>();
  const data: PageData = {
    drawing: {
      ...drawing,
      // Signatures are only compared, and a number says as much.
      nodes: drawing.nodes.map((node) => {
        const known = numbers.get(node.signature) ?? numbers.size;
        numbers.set(node.signature, known);
        return { ...node, signature: String(known) };
      }),
    },
    statistics: Object.fromEntries(statistics),
  };
  const marks = new Set(drawing.nodes.flatMap(({ mark }) => mark ?? []));
  const legend = Object.entries(MARKS)
    .filter(([mark]) => [...marks].some((of) => of === mark))
    .map(
      ([, { fill, stroke, sign, words }]) =>
        `<span style="background:${fill};border-color:${stroke}">${sign} ${words}</span>`,
    );
  const title = escaped(drawing.title);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${title}</title>
<style>${STYLE}</style>
<header>
<h1>${title}</h1>
<div class="search"><input id="search" type="search" placeholder="search operators and parameters" aria-label="search operators and parameters" autocomplete="off"><ol id="found" hidden></ol></div>
<div class="buttons">
<button id="zoom-out" aria-label="smaller">−</button><button id="fit">fit</button><button id="zoom-in" aria-label="larger">+</button>
<button id="toggle" hidden>open all</button>
<label id="overlay-label" hidden>colours <select id="overlay"></select></label>
</div>
<p class="legend">${legend.join('')}<span id="scale" hidden></span></p>
</header>
<main>
<div id="canvas" tabindex="0" role="application" aria-label="the network: arrow keys go from node to node, + and − zoom, Enter opens a block"></div>
<aside id="details" aria-live="polite"><p>Click a node to see what it is, and a frame (×) to open its blocks.</p></aside>
</main>
<script type="application/json" id="${DATA_ID}">${JSON.stringify(data, spelled).replaceAll('<', '\\u003c')}</script>
<!-- The script contains dagre, Copyright (c) 2012-2014 Chris Pettitt, under the MIT licence. -->
<script>${script.replaceAll('</script', '<\\/script')}</script>
</html>
`;
}

/** JSON has no words for numbers that are not finite. */
const spelled = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? null : value;
