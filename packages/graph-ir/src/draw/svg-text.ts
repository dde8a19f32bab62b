// What all SVG files share.

/**
 * Words and lines are dark on light pages and light on dark ones. A picture that is opened alone, or embedded as a file, brings a
 * background of its own, since browsers show it on white; within a page it takes the page's colours.
 */
export const PAGE_STYLE =
  '<style>svg:root{color-scheme:light dark;color:#24292f;background:#fff}' +
  '@media(prefers-color-scheme:dark){svg:root{color:#d0d7de;background:#16181c}}</style>';

/** Text as XML. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
