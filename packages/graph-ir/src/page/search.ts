// The search of a page.
import type { DrawnNode } from '../draw/drawing.js';

const MOST_FOUND = 60;

/** Lists the nodes whose facts or parameters have all words of the text, and goes to the one that is chosen, or to the first on Enter. */
export function search(
  input: HTMLInputElement,
  found: HTMLOListElement,
  nodes: readonly DrawnNode[],
  goTo: (place: number) => void,
): void {
  const texts = nodes.map(({ title, hint }) => `${title} ${hint}`.toLowerCase());
  const matches = (): number[] => {
    const words = input.value
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    if (words.length === 0) return [];
    return texts.flatMap((text, i) => (words.every((word) => text.includes(word)) ? [i] : []));
  };
  const choose = (place: number): void => {
    found.hidden = true;
    goTo(place);
  };
  input.addEventListener('input', () => {
    const places = matches();
    const items = places.slice(0, MOST_FOUND).map((place) => {
      const button = document.createElement('button');
      button.textContent = nameOf(nodes[place]);
      button.addEventListener('click', () => choose(place));
      const item = document.createElement('li');
      item.append(button);
      return item;
    });
    const rest = document.createElement('li');
    rest.className = 'none';
    rest.textContent = places.length === 0 ? 'nothing is called that' : `and ${places.length - items.length} more`;
    found.replaceChildren(...items, ...(places.length > items.length || places.length === 0 ? [rest] : []));
    found.hidden = input.value.trim() === '';
  });
  input.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') found.hidden = true;
    const [first] = key === 'Enter' ? matches() : [];
    if (first !== undefined) choose(first);
  });
}

const nameOf = ({ title, facts }: DrawnNode): string => {
  const name = facts?.[0]?.is;
  return name === undefined || name === title ? title : `${name} (${title})`;
};
