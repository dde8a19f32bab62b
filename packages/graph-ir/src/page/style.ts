// The look of the page, in light and in dark, on a wide screen and on a phone.
export const STYLE = `
:root { color-scheme: light dark; --ink: #24292f; --paper: #fff; --line: #d0d7de; --soft: #f6f8fa; --accent: #0969da; }
@media (prefers-color-scheme: dark) { :root { --ink: #d0d7de; --paper: #16181c; --line: #3d444d; --soft: #212630; --accent: #58a6ff; } }
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; font: 14px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; padding: 8px 12px; border-bottom: 1px solid var(--line); }
h1 { font-size: 15px; margin: 0; overflow-wrap: anywhere; }
.search { position: relative; flex: 1 1 220px; max-width: 420px; }
input, select, button { font: inherit; color: inherit; background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: 4px 8px; min-height: 32px; }
input { width: 100%; }
button { cursor: pointer; min-width: 32px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
#found { position: absolute; z-index: 2; left: 0; right: 0; margin: 2px 0 0; padding: 4px; max-height: 50vh; overflow: auto; list-style: none; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; }
#found button { display: block; width: 100%; text-align: left; border: 0; background: none; overflow-wrap: anywhere; }
#found button:hover, #found button:focus { background: var(--soft); }
#found .none { padding: 4px 8px; }
.buttons { display: flex; flex-wrap: wrap; gap: 4px; align-items: center; }
.legend { margin: 0; display: flex; flex-wrap: wrap; gap: 4px 8px; font-size: 12px; }
.legend:not(:has(:not([hidden]))) { display: none; }
.legend span[style] { color: #1b1f24; border: 1px solid; border-radius: 4px; padding: 0 6px; }
#scale i { display: inline-block; width: 90px; height: 10px; margin: 0 6px; border: 1px solid var(--line); vertical-align: middle; }
main { flex: 1; min-height: 0; display: flex; }
#canvas { flex: 1; min-width: 0; overflow: hidden; touch-action: none; cursor: grab; }
#canvas svg { display: block; width: 100%; height: 100%; user-select: none; }
#canvas [data-node], #canvas [data-fold] { cursor: pointer; }
#canvas [data-node].current > :is(rect, polygon) { stroke: var(--accent); stroke-width: 3; }
aside { width: 330px; overflow: auto; padding: 8px 12px; border-left: 1px solid var(--line); overflow-wrap: anywhere; }
aside h2 { font-size: 14px; margin: 4px 0; }
dl { display: grid; grid-template-columns: minmax(60px, auto) 1fr; gap: 2px 10px; margin: 0 0 8px; }
dt { opacity: 0.7; } dd { margin: 0; }
@media (max-width: 700px) {
  main { flex-direction: column; }
  aside { width: auto; max-height: 38vh; border-left: 0; border-top: 1px solid var(--line); }
}
@media print { .search, .buttons { display: none; } }
`;
