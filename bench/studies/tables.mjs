// Tables within a page, between comments that name them, so that a page holds what its numbers say.
import { table } from '../measure.mjs';

const begin = (name) => `<!-- table ${name} -->`;
const END = '<!-- end of table -->';

/** A page with its tables replaced; a table that the page has no place for comes at the end. */
export function withTables(page, tables) {
  return Object.entries(tables).reduce((text, [name, { head, rows }]) => {
    const block = `${begin(name)}\n\n${table(head, rows)}\n\n${END}`;
    const from = text.indexOf(begin(name));
    if (from < 0) return `${text.trimEnd()}\n\n${block}\n`;
    const to = text.indexOf(END, from);
    if (to < 0) throw new Error(`the page has "${begin(name)}" without "${END}"`);
    return text.slice(0, from) + block + text.slice(to + END.length);
  }, page);
}
