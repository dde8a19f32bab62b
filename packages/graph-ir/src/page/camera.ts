// What part of the picture is seen: moved by dragging, zoomed by the wheel, two fingers or buttons.

const LARGEST = 8;
const SMALLEST = 0.005;
/** A press that moves less is a click. */
const CLICK = 4;
/** The picture's own margin on the screen when all of it is shown. */
const ROOM = 8;
/** When all of a picture would be smaller than this its beginning is shown instead. */
const READABLE = 0.45;
/** A small picture is not made larger than this. */
const LARGEST_FIT = 1.5;

/** Shows one picture in an element. */
export class Camera {
  readonly #holder: HTMLElement;
  #svg: Element | undefined;
  /** The size of the picture, and what is at the left top corner, in its units. */
  #size = { width: 1, height: 1 };
  #left = 0;
  #top = 0;
  /** Screen pixels for each unit of the picture. */
  #scale = 1;
  readonly #pointers = new Map<number, { x: number; y: number }>();
  /** Whether the last press moved the picture, and so was no click. */
  hasMoved = false;

  constructor(holder: HTMLElement) {
    this.#holder = holder;
    holder.addEventListener('wheel', (event) => this.#onWheel(event), { passive: false });
    holder.addEventListener('pointerdown', (event) => this.#onDown(event));
    holder.addEventListener('pointermove', (event) => this.#onMove(event));
    for (const end of ['pointerup', 'pointercancel', 'pointerleave'] as const)
      holder.addEventListener(end, ({ pointerId }) => this.#pointers.delete(pointerId));
    addEventListener('resize', () => this.#apply());
  }

  /** Shows another picture, at the same place and size. */
  show(svg: Element): void {
    const [, , width = 1, height = 1] = (svg.getAttribute('viewBox') ?? '').split(' ').map(Number);
    this.#size = { width, height };
    svg.removeAttribute('width');
    svg.removeAttribute('height');
    this.#holder.replaceChildren(svg);
    this.#svg = svg;
    this.#apply();
  }

  /** Shows all of the picture, or its beginning as large as can be read. */
  fit(): void {
    const { clientWidth, clientHeight } = this.#holder;
    const { width, height } = this.#size;
    const whole = Math.min((clientWidth - ROOM) / width, (clientHeight - ROOM) / height);
    this.#scale = Math.min(LARGEST_FIT, Math.max(whole, READABLE));
    this.#left = (width - clientWidth / this.#scale) / 2;
    this.#top = Math.min(0, (height - clientHeight / this.#scale) / 2);
    this.#apply();
  }

  /** Larger or smaller, around the middle of what is seen or around a place on the screen. */
  zoom(factor: number, at = { x: this.#holder.clientWidth / 2, y: this.#holder.clientHeight / 2 }): void {
    const before = this.#scale;
    this.#scale = Math.min(LARGEST, Math.max(SMALLEST, before * factor));
    this.#left += at.x / before - at.x / this.#scale;
    this.#top += at.y / before - at.y / this.#scale;
    this.#apply();
  }

  /** Brings a part of the picture to the middle, in a size that can be read. */
  centre(part: Element | null): void {
    if (!(part instanceof SVGGraphicsElement)) return;
    const { x, y, width, height } = part.getBBox();
    this.#scale = Math.max(this.#scale, 0.8);
    this.#left = x + width / 2 - this.#holder.clientWidth / 2 / this.#scale;
    this.#top = y + height / 2 - this.#holder.clientHeight / 2 / this.#scale;
    this.#apply();
  }

  #apply(): void {
    const [width, height] = [this.#holder.clientWidth / this.#scale, this.#holder.clientHeight / this.#scale];
    this.#svg?.setAttribute('viewBox', `${this.#left} ${this.#top} ${width} ${height}`);
  }

  #place({ clientX, clientY }: MouseEvent): { x: number; y: number } {
    const { left, top } = this.#holder.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  #onWheel(event: WheelEvent): void {
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), this.#place(event));
  }

  #onDown(event: PointerEvent): void {
    if (this.#pointers.size === 0) this.hasMoved = false;
    this.#pointers.set(event.pointerId, this.#place(event));
  }

  #onMove(event: PointerEvent): void {
    const from = this.#pointers.get(event.pointerId);
    if (from === undefined) return;
    const to = this.#place(event);
    if (!this.hasMoved && Math.hypot(to.x - from.x, to.y - from.y) < CLICK) return;
    this.hasMoved = true;
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other === undefined) {
      this.#left -= (to.x - from.x) / this.#scale;
      this.#top -= (to.y - from.y) / this.#scale;
      this.#apply();
    } else {
      const distance = (point: { x: number; y: number }): number => Math.hypot(point.x - other.x, point.y - other.y);
      this.zoom(distance(to) / Math.max(1, distance(from)), other);
    }
    this.#pointers.set(event.pointerId, to);
  }
}
