// The page: three sections around one state, which the address holds.
import { LAYERS, SEEDS, STEPS, WIDTHS } from './digit-task.js';
import { FIRST_NETWORK } from './page/network-choice.js';
import { networkSection } from './page/network-section.js';
import { predictSection } from './page/predict-section.js';
import { formatState, type PageState, parseState } from './page/state.js';
import { workSection } from './page/work-section.js';
import { WorkerClient } from './worker/client.js';

const USUAL: PageState = {
  network: FIRST_NETWORK,
  file: '',
  view: 'network',
  open: [],
  openRead: [],
  hypernet: '',
  seed: SEEDS.usual,
  layers: LAYERS.usual,
  width: WIDTHS.usual,
  steps: STEPS.usual,
  rate: 'best',
};
const worker = new WorkerClient();
let current = parseState(location.hash, USUAL);
const state = (): PageState => current;
const change = (changes: Partial<PageState>): void => {
  current = { ...current, ...changes };
  const hash = formatState(current, USUAL);
  history.replaceState(null, '', hash === '' ? location.pathname + location.search : `#${hash}`);
};

const network = networkSection({
  worker,
  state,
  change,
  onOpening: () => predict.opening(),
  onOpened: (facts) => predict.show(facts),
});
const predict = predictSection({ worker, state, change, reopen: network.reopen });
workSection({ worker, state, change });
void network.open();

// The address holds the state: parts of the page are gone to without it.
for (const link of document.querySelectorAll<HTMLAnchorElement>('nav a, .skip')) {
  link.addEventListener('click', (event) => {
    event.preventDefault();
    const section = document.querySelector<HTMLElement>(link.hash);
    section?.focus({ preventScroll: true });
    section?.scrollIntoView();
  });
}

// A link of this page that is followed, or pasted into the address.
addEventListener('hashchange', () => {
  location.reload();
});
