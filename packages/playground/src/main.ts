// The page: three sections around one state, which the address holds.
import { LAYERS, SEEDS, STEPS, WIDTHS } from './digit-task.js';
import { pageAddress } from './page/address.js';
import { linkNote } from './page/link-note.js';
import { FIRST_NETWORK } from './page/network-choice.js';
import { networkSection } from './page/network-section.js';
import { predictSection } from './page/predict-section.js';
import type { PageState } from './page/state.js';
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
const note = linkNote();
const address = pageAddress({
  usual: USUAL,
  onUntaken: note.add,
  onReturn: () => {
    note.clear();
    void network.open();
  },
});
const { state, change } = address;

const network = networkSection({
  worker,
  address,
  note,
  onOpening: () => predict.opening(),
  onOpened: (facts) => predict.show(facts),
});
const predict = predictSection({ worker, state, change, note, reopen: network.reopen });
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
