// A canvas to draw a digit on, and the digit as MNIST has them: 28 pixels a side, white on black, centred.
import { DIGIT_PIXELS, DIGIT_SIDE } from '../digit-file.js';

/** Of the pen, as a share of the side. */
const PEN = 0.075;
/** MNIST's digits fit a box of 20 pixels. */
const BOX = 20;

export interface DigitPad {
  clear(): void;
  /** Shows a digit of `[28, 28]`, 0 to 255. */
  show(pixels: Uint8Array): void;
}

/** Makes a canvas a pad; `onDrawn` is told of what is drawn, after every stroke. */
export function digitPad(canvas: HTMLCanvasElement, onDrawn: (pixels: Uint8Array) => void): DigitPad {
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  if (pen === null) throw new Error('this browser draws on no canvas');
  const clear = (): void => {
    pen.fillStyle = '#000';
    pen.fillRect(0, 0, canvas.width, canvas.height);
  };
  let last: { x: number; y: number } | undefined;
  const placeOf = ({ clientX, clientY }: PointerEvent): { x: number; y: number } => {
    const box = canvas.getBoundingClientRect();
    return {
      x: ((clientX - box.left) / box.width) * canvas.width,
      y: ((clientY - box.top) / box.height) * canvas.height,
    };
  };
  let isShown = false;
  canvas.addEventListener('pointerdown', (event) => {
    if (isShown) clear();
    isShown = false;
    canvas.setPointerCapture(event.pointerId);
    last = placeOf(event);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (last === undefined) return;
    const place = placeOf(event);
    pen.strokeStyle = '#fff';
    pen.lineWidth = PEN * canvas.width;
    pen.lineCap = pen.lineJoin = 'round';
    pen.beginPath();
    pen.moveTo(last.x, last.y);
    pen.lineTo(place.x, place.y);
    pen.stroke();
    last = place;
  });
  for (const end of ['pointerup', 'pointercancel'] as const) {
    canvas.addEventListener(end, () => {
      if (last === undefined) return;
      last = undefined;
      const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
      const grey = Uint8Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]);
      const digit = centred(grey, canvas.width);
      if (digit !== undefined) onDrawn(digit);
    });
  }
  clear();
  return {
    clear,
    show: (pixels) => {
      drawDigit(canvas, pixels);
      isShown = true;
    },
  };
}

/** Draws a digit of `[28, 28]` over a whole canvas. */
export function drawDigit(canvas: HTMLCanvasElement, pixels: Uint8Array): void {
  const small = new OffscreenCanvas(DIGIT_SIDE, DIGIT_SIDE);
  const image = new ImageData(DIGIT_SIDE, DIGIT_SIDE);
  pixels.forEach((value, i) => {
    image.data.set([value, value, value, 255], 4 * i);
  });
  small.getContext('2d')?.putImageData(image, 0, 0);
  canvas.getContext('2d')?.drawImage(small, 0, 0, canvas.width, canvas.height);
}

/**
 * A drawing of `side` × `side` grey values as MNIST prepares digits: its box scaled to 20 pixels, its centre of mass in the
 * middle of 28. Undefined where nothing is drawn.
 */
export function centred(grey: Uint8Array, side: number): Uint8Array | undefined {
  let [left, top, right, bottom] = [side, side, -1, -1];
  grey.forEach((value, i) => {
    if (value === 0) return;
    const [x, y] = [i % side, Math.floor(i / side)];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  });
  if (right < 0) return undefined;
  const scale = Math.max(right - left + 1, bottom - top + 1) / BOX;
  const sum = { all: 0, x: 0, y: 0 };
  grey.forEach((value, i) => {
    sum.all += value;
    sum.x += value * ((i % side) + 0.5);
    sum.y += value * (Math.floor(i / side) + 0.5);
  });
  const [centerX, centerY] = [sum.x / sum.all, sum.y / sum.all];
  const digit = new Uint8Array(DIGIT_PIXELS);
  for (let y = 0; y < DIGIT_SIDE; y++) {
    for (let x = 0; x < DIGIT_SIDE; x++) {
      const from = { x: centerX + (x - DIGIT_SIDE / 2) * scale, y: centerY + (y - DIGIT_SIDE / 2) * scale };
      digit[y * DIGIT_SIDE + x] = Math.round(meanOf(grey, side, from, scale));
    }
  }
  return digit;
}

/** The mean of a square of the drawing, black outside. */
function meanOf(grey: Uint8Array, side: number, { x, y }: { x: number; y: number }, size: number): number {
  const count = Math.max(1, Math.ceil(size));
  let sum = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      const row = Math.floor(y + ((i + 0.5) / count) * size);
      const column = Math.floor(x + ((j + 0.5) / count) * size);
      if (row >= 0 && row < side && column >= 0 && column < side) sum += grey[row * side + column];
    }
  }
  return sum / count ** 2;
}
