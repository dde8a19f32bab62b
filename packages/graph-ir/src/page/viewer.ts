// The script of the page: runs in a browser, draws the network and answers.
import type { DrawnNode } from '../draw/drawing.js';
import { type FoldedDrawing, fold } from '../draw/fold.js';
import { toSvg } from '../draw/svg.js';
import { Camera } from './camera.js';
import { DATA_ID, type PageData } from './data.js';
import { detailsOf } from './details.js';
import { overlay } from './overlay.js';
import { search } from './search.js';

const element = <T extends HTMLElement>(id: string, kind: new () => T): T => {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new TypeError(`the page has no ${id}`);
};

const data: PageData = JSON.parse(element(DATA_ID, HTMLScriptElement).textContent ?? '');
const { drawing, statistics } = data;
const canvas = element('canvas', HTMLDivElement);
const details = element('details', HTMLElement);
const toggle = element('toggle', HTMLButtonElement);
const places = new Map(drawing.nodes.map((node, i) => [node, i]));
const camera = new Camera(canvas);

const opened = new Set<number>();
let folded: FoldedDrawing = fold(drawing);
/** The place, in the whole drawing, of the node that is explained. */
let current: number | undefined;

/** The runs that are folded when nothing is open. */
const allFolds = folded.folds;
const colour = overlay({
  label: element('overlay-label', HTMLLabelElement),
  choice: element('overlay', HTMLSelectElement),
  scale: element('scale', HTMLSpanElement),
  statistics,
  onChange: (isOfValues) => {
    // Blocks that are alike have values of their own, which a folded block would hide.
    if (isOfValues) openAll();
    else paint();
  },
});

function draw(): void {
  folded = fold(drawing, opened);
  const svg = new DOMParser().parseFromString(toSvg(folded), 'image/svg+xml').documentElement;
  camera.show(document.importNode(svg, true));
  toggle.hidden = allFolds.length === 0;
  toggle.textContent = opened.size === allFolds.length ? 'fold all' : 'open all';
  paint();
}

function paint(): void {
  canvas.querySelectorAll('[data-node]').forEach((shown) => {
    const node = folded.nodes[Number(shown.getAttribute('data-node'))];
    const shape = shown.querySelector<SVGElement>('rect, polygon');
    if (shape !== null) shape.style.fill = colour(node);
    shown.classList.toggle('current', places.get(node) === current);
  });
}

/** Shows where a node is and what it is, opening the fold that hides it. */
function goTo(place: number, moves = true): void {
  const hiding = folded.folds.find(
    ({ origin, length, count }) => place >= origin + length && place < origin + length * count,
  );
  if (hiding !== undefined) {
    opened.add(hiding.origin);
    draw();
  }
  current = place;
  paint();
  details.replaceChildren(detailsOf(drawing.nodes[place], statistics));
  const shown = folded.nodes.indexOf(drawing.nodes[place]);
  if (moves) camera.centre(canvas.querySelector(`[data-node="${shown}"]`));
}

function openAll(): void {
  for (const { origin } of allFolds) opened.add(origin);
  draw();
  camera.fit();
}

function open(origin: number): void {
  opened.add(origin);
  draw();
}

const numberOf = (target: EventTarget | null, attribute: string): number | undefined => {
  const text = target instanceof Element ? target.closest(`[${attribute}]`)?.getAttribute(attribute) : undefined;
  return text === undefined || text === null ? undefined : Number(text);
};

canvas.addEventListener('click', ({ target }) => {
  if (camera.hasMoved) return;
  const node = numberOf(target, 'data-node');
  if (node !== undefined) return goTo(places.get(folded.nodes[node]) ?? 0, false);
  const origin = numberOf(target, 'data-fold');
  if (origin !== undefined) open(origin);
});

canvas.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const shown = current === undefined ? -1 : folded.nodes.indexOf(drawing.nodes[current]);
  const step = (by: number): void => {
    const next: DrawnNode | undefined = folded.nodes[Math.min(folded.nodes.length - 1, Math.max(0, shown + by))];
    if (next !== undefined) goTo(places.get(next) ?? 0);
  };
  if (event.key === 'ArrowDown') step(1);
  else if (event.key === 'ArrowUp') step(-1);
  else if (event.key === '+' || event.key === '=') camera.zoom(1.3);
  else if (event.key === '-') camera.zoom(1 / 1.3);
  else if (event.key === '0') camera.fit();
  else if (event.key === 'Enter') {
    const around =
      folded.folds.find(({ start, length }) => shown >= start && shown < start + length) ?? folded.folds[0];
    if (around !== undefined) open(around.origin);
  } else return;
  event.preventDefault();
});

element('zoom-in', HTMLButtonElement).addEventListener('click', () => camera.zoom(1.3));
element('zoom-out', HTMLButtonElement).addEventListener('click', () => camera.zoom(1 / 1.3));
element('fit', HTMLButtonElement).addEventListener('click', () => camera.fit());
toggle.addEventListener('click', () => {
  if (opened.size < allFolds.length) return openAll();
  opened.clear();
  draw();
  camera.fit();
});
search(element('search', HTMLInputElement), element('found', HTMLOListElement), drawing.nodes, goTo);

draw();
camera.fit();
