// What all SVG files share.

/** Words and lines are dark on light pages and light on dark ones. */
export const PAGE_STYLE = '<style>svg{color:#24292f}@media(prefers-color-scheme:dark){svg{color:#d0d7de}}</style>';

/** Text as XML. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
