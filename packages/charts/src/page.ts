// A page as one HTML file that needs nothing else, and reads in light, in dark and on paper.

const STYLE = `
  :root { color-scheme: light dark; --ink: #222; --paper: #fff; --shade: color-mix(in srgb, var(--ink) 45%, transparent); }
  @media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #16181c; } }
  body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 780px; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
  svg { width: 100%; height: auto; margin: 1rem 0; }
  .scrolled { overflow-x: auto; }
  @media screen {
    .scrolled {
      background:
        linear-gradient(to right, var(--paper) 40%, transparent) left / 3rem 100% no-repeat local,
        linear-gradient(to left, var(--paper) 40%, transparent) right / 3rem 100% no-repeat local,
        linear-gradient(to right, var(--shade), transparent) left / 1.2rem 100% no-repeat scroll,
        linear-gradient(to left, var(--shade), transparent) right / 1.2rem 100% no-repeat scroll;
    }
    .scrolled:focus-visible { outline: 2px solid; }
  }
  @media screen and (min-width: 860px) {
    .scrolled { position: relative; left: 50%; transform: translateX(-50%); width: fit-content; min-width: 100%; max-width: calc(100vw - 5rem); }
  }
  .chart.narrow { display: none; }
  @media screen and (max-width: 600px) { .chart.wide { display: none; } .chart.narrow { display: block; } }
  table { border-collapse: collapse; width: 100%; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
  th, td { padding: 0.3rem 0.5rem; border-bottom: 1px solid color-mix(in srgb, var(--ink) 20%, transparent); text-align: right; vertical-align: top; }
  td { white-space: nowrap; }
  th.text, td.text { text-align: left; white-space: normal; }
  td.text { min-width: 6rem; overflow-wrap: anywhere; }
  h2 { overflow-wrap: break-word; }
  code, pre { font-size: 0.85rem; overflow-wrap: anywhere; white-space: pre-wrap; }
  @media print {
    :root { color-scheme: light; --ink: #000; --paper: #fff; }
    body { max-width: none; margin: 0; }
    .scrolled { overflow: visible; }
    table { font-size: 0.75rem; }
    svg, table { break-inside: avoid; }
    h2 { break-after: avoid; }
  }
`;

/** A whole page with this title and these blocks of HTML. */
export const htmlPage = (title: string, blocks: readonly string[]): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
<h1>${escapeHtml(title)}</h1>
${blocks.join('\n')}
</html>
`;

/** A table; the first `textColumns` columns are words and stand left, the others are numbers and stand right. Cells are plain text. */
export function htmlTable(
  header: readonly string[],
  rows: ReadonlyArray<readonly string[]>,
  textColumns: number,
): string {
  const line = (tag: 'th' | 'td', cells: readonly string[]): string =>
    `<tr>${cells.map((cell, i) => `<${tag}${i < textColumns ? ' class="text"' : ''}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="scrolled" tabindex="0" role="region" aria-label="${escapeHtml(header.join(', '))}"><table>
<thead>${line('th', header)}</thead>
<tbody>${rows.map((row) => line('td', row)).join('\n')}</tbody>
</table></div>`;
}

/** Text as HTML. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
