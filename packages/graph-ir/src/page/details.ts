// What is said of a node that was clicked.
import type { DrawnNode } from '../draw/drawing.js';
import type { PageData } from './data.js';
import { shortNumber } from './short-number.js';

/** The node's facts, its parameters and what is known of their values, as HTML elements. */
export function detailsOf(
  { title, hint, facts, parameters = [] }: DrawnNode,
  statistics: PageData['statistics'],
): Node {
  const all = document.createDocumentFragment();
  all.append(heading(title));
  if (facts === undefined) all.append(list(hint.split('; ').map((is) => ['', is])));
  else all.append(list(facts.map(({ what, is }) => [what, is])));
  for (const { role, name, shape } of parameters) {
    const values = Object.hasOwn(statistics, name) ? statistics[name] : undefined;
    all.append(
      heading(`${role} ${name}`),
      list([
        ['shape', `[${shape.join(', ')}]`],
        ...(values === undefined
          ? []
          : ([
              ['mean', shortNumber(values.mean)],
              ['std', shortNumber(values.std)],
              ['range', `${shortNumber(values.min)} to ${shortNumber(values.max)}`],
              ['zeros', `${shortNumber(values.zeros === null ? null : 100 * values.zeros)} %`],
              ...(values.notFinite !== 0 ? ([['not finite', shortNumber(values.notFinite)]] as const) : []),
            ] as const)),
      ]),
    );
  }
  return all;
}

function heading(text: string): HTMLElement {
  const element = document.createElement('h2');
  element.textContent = text;
  return element;
}

function list(pairs: ReadonlyArray<readonly [what: string, is: string]>): HTMLElement {
  const element = document.createElement('dl');
  for (const [what, is] of pairs) {
    const [term, description] = [document.createElement('dt'), document.createElement('dd')];
    term.textContent = what;
    description.textContent = is;
    element.append(term, description);
  }
  return element;
}
