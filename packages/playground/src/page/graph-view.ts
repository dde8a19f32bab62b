// The picture of a network: zoomed, moved, its blocks opened, its nodes explained, with a pointer or with keys.
import type { Picture } from '../worker/protocol.js';

const LARGEST = 4;
/** The smallest letters of a picture have 10 pixels: so much larger they can be read. */
const READABLE = 1.2;
const MARGIN = 16;
const STEP = 1.3;
const MOVE = 60;

export interface GraphViewOptions {
  readonly holder: HTMLElement;
  /** Told what a node is that is pointed at, or null. */
  onNode(hint: string | null): void;
  /** Told that a fold should open. */
  onOpen(fold: number): void;
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
    this.#holder.addEventListener('click', ({ target }) => {
      this.#explain(target);
      const fold = placeOf(target, 'fold');
      if (fold !== undefined) options.onOpen(fold);
    });
    this.#holder.addEventListener('keydown', (event) => this.#onKey(event));
    this.#holder.addEventListener('wheel', (event) => this.#onWheel(event), { passive: false });
    dragToScroll(this.#holder);
  }

  /** Shows a picture; `keepsZoom` for one of the same network. */
  show(picture: Picture, keepsZoom: boolean): void {
    // Made by graph-ir from text that it escapes.
    const parsed = new DOMParser().parseFromString(picture.svg, 'image/svg+xml').documentElement;
    if (!(parsed instanceof SVGSVGElement)) throw new TypeError('the picture is not SVG');
    parsed.setAttribute('aria-hidden', 'true');
    for (const frame of parsed.querySelectorAll('[data-fold]')) frame.classList.add('fold');
    this.#holder.replaceChildren(document.importNode(parsed, true));
    this.#svg = this.#holder.querySelector('svg') ?? undefined;
    this.#picture = picture;
    this.#current = -1;
    if (keepsZoom) this.#resize(this.#scale);
    else this.fit();
  }

  /** Shows nothing. */
  clear(): void {
    this.#holder.replaceChildren();
    this.#svg = undefined;
    this.#picture = undefined;
    this.#current = -1;
  }

  /** Pixels that there are for a picture's width. */
  room(): number {
    return this.#holder.clientWidth - MARGIN;
  }

  /** As large as the letters want it, or as it is where it was made for the room that there is. */
  fit(): void {
    const { width } = this.#natural();
    this.#resize(this.#picture?.nodes.length === 0 ? Math.min(1, this.room() / width) : READABLE);
    this.#holder.scrollTop = 0;
    this.#holder.scrollLeft = Math.max(0, (this.#holder.scrollWidth - this.#holder.clientWidth) / 2);
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
    this.#resize(Math.min(LARGEST, Math.max(0.05, before * factor)));
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

  #natural(): { width: number; height: number } {
    const { width = 1, height = 1 } = this.#svg?.viewBox.baseVal ?? {};
    return { width, height };
  }

  #explain(target: EventTarget | null): void {
    const node = placeOf(target, 'node');
    if (node !== undefined) this.#select(node);
  }

  #select(node: number, scrolls = false): void {
    if (node === this.#current || this.#picture?.nodes[node] === undefined) return;
    this.#current = node;
    this.#svg?.querySelector('.current')?.classList.remove('current');
    const element = this.#svg?.querySelector(`[data-node="${node}"]`);
    element?.classList.add('current');
    if (scrolls) element?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    this.#options.onNode(this.#picture.nodes[node]);
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
    else if (key === 'Enter' || key === ' ') this.#openAround();
    else return;
    event.preventDefault();
  }

  /** Opens the fold that frames the current node, or the first one. */
  #openAround(): void {
    const node = this.#svg?.querySelector(`[data-node="${this.#current}"]`)?.getBoundingClientRect();
    const frames = [...(this.#svg?.querySelectorAll('[data-fold]') ?? [])];
    const around = frames.find((frame) => {
      const box = frame.getBoundingClientRect();
      return node !== undefined && box.top <= node.top && node.bottom <= box.bottom && box.left <= node.left;
    });
    const fold = placeOf(around ?? frames[0] ?? null, 'fold');
    if (fold !== undefined) this.#options.onOpen(fold);
  }
}

/** The number in `data-node` or `data-fold` of an element or what it is in. */
function placeOf(target: EventTarget | null, what: 'node' | 'fold'): number | undefined {
  const text = target instanceof Element ? target.closest(`[data-${what}]`)?.getAttribute(`data-${what}`) : undefined;
  return text === undefined || text === null ? undefined : Number(text);
}

/** A mouse drags the picture; a finger scrolls it anyway. */
function dragToScroll(holder: HTMLElement): void {
  let from: { x: number; y: number } | undefined;
  holder.addEventListener('pointerdown', ({ pointerType, button, clientX, clientY }) => {
    if (pointerType === 'mouse' && button === 0)
      from = { x: clientX + holder.scrollLeft, y: clientY + holder.scrollTop };
  });
  holder.addEventListener('pointermove', ({ clientX, clientY }) => {
    if (from === undefined) return;
    holder.scrollLeft = from.x - clientX;
    holder.scrollTop = from.y - clientY;
  });
  for (const end of ['pointerup', 'pointerleave'] as const) {
    holder.addEventListener(end, () => {
      from = undefined;
    });
  }
}
