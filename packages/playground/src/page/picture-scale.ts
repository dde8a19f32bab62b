// How large a picture is drawn at first, and when all of it is wanted.

/** Pixels, or a picture's own units. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The smallest letters of a picture have 10 pixels: so much larger they can be read. */
const READABLE = 1.2;

/** The scale at which a picture's letters can be read, where its whole width has room at that; else that of its width. */
export const firstScale = (picture: Size, room: Size): number => Math.min(READABLE, room.width / picture.width);

/** The scale at which a whole picture has room; never above 1. */
export const fitScale = (picture: Size, room: Size): number =>
  Math.min(1, room.width / picture.width, room.height / picture.height);
