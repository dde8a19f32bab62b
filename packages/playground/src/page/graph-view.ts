// The picture of a network: zoomed, moved, its blocks opened, its nodes explained, with a pointer or with keys.
import type { Blocks, Picture } from '../worker/protocol.js';
import { firstScale, fitScale, type Size } from './picture-scale.js';

const LARGEST = 4;
const SMALLEST = 0.05;
/** Between the picture and the edges that it has room in. */
const MARGIN = 1;
/** How far the frame of opened blocks stands out around their nodes, and from it its "×12". */
const FRAME_GAP = 8;
const COUNT_GAP = 6;
/** A pointer that moved farther dragged the picture, and meant nothing in it. */
const STILL = 4;
const STEP = 1.3;
const MOVE = 60;

export interface GraphViewOptions {
  readonly holder: HTMLElement;
  /** Told what a node is that is pointed at, or null. */
  onNode(hint: string | null): void;
  /** Told that blocks should be opened, or folded where they are open: by where they begin. */
  onToggle(origin: number): void;
}

/** Shows pictures in an element that scrolls. */
export class GraphView {
  readonly #holder: HTMLElement;
  readonly #options: GraphViewOptions;
  #svg: SVGSVGElement | undefined;
  #picture: Picture | undefined;
  #scale = 1;
  #current = -1;

  constructor(options: GraphViewOptions) {
    this.#holder = options.holder;
    this.#options = options;
    this.#holder.tabIndex = 0;
    this.#holder.addEventListener('pointermove', ({ target }) => this.#explain(target));
    const wasDragged = dragToScroll(this.#holder);
    this.#holder.addEventListener('click', ({ target }) => {
      if (wasDragged()) return;
      this.#explain(target);
      const fold = placeOf(target, 'fold');
      if (fold !== undefined) options.onToggle(fold);
    });
    this.#holder.addEventListener('keydown', (event) => this.#onKey(event));
    this.#holder.addEventListener('wheel', (event) => this.#onWheel(event), { passive: false });
  }

  /** Marks what is shown as old, until another picture is there. */
  set isBusy(isBusy: boolean) {
    this.#holder.setAttribute('aria-busy', String(isBusy));
  }

  /** Shows a picture; one of the same network keeps its zoom, and the keyboard goes to the blocks that were `toggled`. */
  show(picture: Picture, keepsZoom: boolean, toggled?: number): void {
    // Made by graph-ir from text that it escapes.
    const parsed = new DOMParser().parseFromString(picture.svg, 'image/svg+xml').documentElement;
    if (!(parsed instanceof SVGSVGElement)) throw new TypeError('the picture is not SVG');
    parsed.setAttribute('aria-hidden', 'true');
    for (const frame of parsed.querySelectorAll('[data-fold]')) frame.classList.add('fold');
    this.#holder.replaceChildren(document.importNode(parsed, true));
    this.#svg = this.#holder.querySelector('svg') ?? undefined;
    this.#picture = picture;
    this.#current = -1;
    for (const blocks of picture.blocks) if (blocks.isOpen) this.#frame(blocks);
    if (!keepsZoom) {
      const scale = firstScale(this.#natural(), this.room());
      // The matrix of distances was made for the room that there is, and its letters for their size.
      this.#resize(picture.nodes.length === 0 ? Math.min(1, scale) : scale);
      this.#holder.scrollTo(0, 0);
      return;
    }
    this.#resize(this.#scale);
    const start = picture.blocks.find(({ origin }) => origin === toggled)?.start;
    if (start !== undefined) this.#mark(start);
  }

  /** Shows nothing. */
  clear(): void {
    this.#holder.replaceChildren();
    this.#svg = undefined;
    this.#picture = undefined;
    this.#current = -1;
  }

  /** Pixels that there are for a picture. */
  room(): Size {
    const { clientWidth, clientHeight } = this.#holder;
    return { width: clientWidth - MARGIN, height: clientHeight - MARGIN };
  }

  /** Shows all of the picture. */
  fit(): void {
    this.#resize(fitScale(this.#natural(), this.room()));
    this.#holder.scrollTo(0, 0);
  }

  zoomIn(): void {
    this.#zoom(STEP);
  }

  zoomOut(): void {
    this.#zoom(1 / STEP);
  }

  /** Around the middle of what is visible. */
  #zoom(factor: number): void {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.#holder;
    const before = this.#scale;
    // All of a very tall picture is smaller still.
    this.#resize(Math.min(LARGEST, Math.max(Math.min(SMALLEST, before), before * factor)));
    const ratio = this.#scale / before;
    this.#holder.scrollLeft = (scrollLeft + clientWidth / 2) * ratio - clientWidth / 2;
    this.#holder.scrollTop = (scrollTop + clientHeight / 2) * ratio - clientHeight / 2;
  }

  #resize(scale: number): void {
    this.#scale = scale;
    const { width, height } = this.#natural();
    this.#svg?.setAttribute('width', String(width * scale));
    this.#svg?.setAttribute('height', String(height * scale));
  }

  #natural(): Size {
    const { width = 1, height = 1 } = this.#svg?.viewBox.baseVal ?? {};
    return { width, height };
  }

  #explain(target: EventTarget | null): void {
    const node = placeOf(target, 'node');
    if (node !== undefined) this.#select(node);
  }

  #select(node: number, scrolls = false): void {
    if (node === this.#current || this.#picture?.nodes[node] === undefined) return;
    const element = this.#mark(node);
    if (scrolls) element?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    this.#options.onNode(this.#picture.nodes[node]);
  }

  #mark(node: number): Element | null | undefined {
    this.#current = node;
    this.#svg?.querySelector('.current')?.classList.remove('current');
    const element = this.#svg?.querySelector(`[data-node="${node}"]`);
    element?.classList.add('current');
    return element;
  }

  /** Draws a frame around opened blocks, beneath everything; the picture has one only around those that are folded. */
  #frame({ origin, start, length, count }: Blocks): void {
    const svg = this.#svg;
    const nodes = Array.from({ length }, (_, i) => svg?.querySelector<SVGGElement>(`[data-node="${start + i}"]`));
    const boxes = nodes.flatMap((node) => node?.getBBox() ?? []);
    if (svg === undefined || boxes.length === 0) return;
    const left = Math.min(...boxes.map(({ x }) => x)) - FRAME_GAP;
    const top = Math.min(...boxes.map(({ y }) => y)) - FRAME_GAP;
    const right = Math.max(...boxes.map(({ x, width }) => x + width)) + FRAME_GAP;
    const bottom = Math.max(...boxes.map(({ y, height }) => y + height)) + FRAME_GAP;
    const paint = { fill: 'currentColor', 'fill-opacity': 0.03, stroke: 'currentColor', 'stroke-opacity': 0.4 };
    const letters = { fill: 'currentColor', 'font-size': 16, 'font-weight': 700, 'text-anchor': 'start' };
    const frame = makeSvg('g', { 'data-fold': origin, class: 'fold open' });
    const title = makeSvg('title');
    const rect = makeSvg('rect', { ...paint, x: left, y: top, width: right - left, height: bottom - top, rx: 10 });
    const text = makeSvg('text', { ...letters, x: right + COUNT_GAP, y: top + 18 });
    title.textContent = `${count} blocks that are alike, opened`;
    text.textContent = `×${count}`;
    frame.append(title, rect, text);
    svg.insertBefore(frame, svg.querySelector(':scope > :is([data-fold], path, [data-node])'));
  }

  #onWheel(event: WheelEvent): void {
    // As maps do: the page itself scrolls unless Control is held, which is also how a pinch arrives.
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.#zoom(event.deltaY < 0 ? 1.1 : 1 / 1.1);
  }

  #onKey(event: KeyboardEvent): void {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = (this.#picture?.nodes.length ?? 0) - 1;
    if (key === '+' || key === '=') this.zoomIn();
    else if (key === '-') this.zoomOut();
    else if (key === '0') this.fit();
    else if (key === 'ArrowDown') this.#select(Math.min(last, this.#current + 1), true);
    else if (key === 'ArrowUp') this.#select(Math.max(0, this.#current - 1), true);
    else if (key === 'ArrowRight') this.#holder.scrollLeft += MOVE;
    else if (key === 'ArrowLeft') this.#holder.scrollLeft -= MOVE;
    else if (key === 'Enter' || key === ' ') this.#toggleAround();
    else return;
    event.preventDefault();
  }

  /** Opens or folds the blocks that the current node is in; else opens the first that are folded. */
  #toggleAround(): void {
    const blocks = this.#picture?.blocks ?? [];
    const around = blocks.find(({ start, length }) => start <= this.#current && this.#current < start + length);
    const toggled = around ?? blocks.find(({ isOpen }) => !isOpen);
    if (toggled !== undefined) this.#options.onToggle(toggled.origin);
  }
}

/** The number in `data-node` or `data-fold` of an element or what it is in. */
function placeOf(target: EventTarget | null, what: 'node' | 'fold'): number | undefined {
  const text = target instanceof Element ? target.closest(`[data-${what}]`)?.getAttribute(`data-${what}`) : undefined;
  return text === undefined || text === null ? undefined : Number(text);
}

/** A new element of a picture with these attributes. */
function makeSvg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number>> = {},
): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** A mouse drags the picture; a finger scrolls it anyway. What it gives says whether the last press was one. */
function dragToScroll(holder: HTMLElement): () => boolean {
  let from: { x: number; y: number } | undefined;
  let pressed = { x: 0, y: 0 };
  let isDrag = false;
  holder.addEventListener('pointerdown', ({ pointerType, button, clientX, clientY }) => {
    isDrag = false;
    pressed = { x: clientX, y: clientY };
    if (pointerType === 'mouse' && button === 0)
      from = { x: clientX + holder.scrollLeft, y: clientY + holder.scrollTop };
  });
  holder.addEventListener('pointermove', ({ clientX, clientY }) => {
    if (from === undefined) return;
    isDrag ||= Math.hypot(clientX - pressed.x, clientY - pressed.y) > STILL;
    holder.scrollLeft = from.x - clientX;
    holder.scrollTop = from.y - clientY;
  });
  for (const end of ['pointerup', 'pointerleave'] as const) {
    holder.addEventListener(end, () => {
      from = undefined;
    });
  }
  return () => isDrag;
}
