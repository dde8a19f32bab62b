// Which network the page is about: chosen, changed in size or dropped, and drawn.

import { counted } from '@logah/files';
import { short, thousands } from '../numbers.js';
import type { WorkerClient } from '../worker/client.js';
import type { Blocks, DroppedFile, NetworkFacts, NetworkSource } from '../worker/protocol.js';
import type { Address } from './address.js';
import { byId, make, messageOf, say } from './dom.js';
import { droppedFiles, nameOfFiles, pickedFiles } from './dropped-files.js';
import { GraphView } from './graph-view.js';
import type { LinkNote } from './link-note.js';
import { FIRST_NETWORK, labelOf, PRESET_GROUPS, type SizeControl, sizeControls, withSize } from './network-choice.js';
import { FOLDED, openIn, opening, toggled, type ViewName } from './state.js';

export interface NetworkSectionOptions {
  readonly worker: WorkerClient;
  readonly address: Address;
  /** What of a link was not taken. */
  readonly note: LinkNote;
  /** Told of a network that is going to be opened; says whether it waits for a prediction of the one before. */
  readonly onOpening: () => { readonly isWaiting: boolean };
  /** Told of a network that was opened, or of none. */
  readonly onOpened: (facts: NetworkFacts | null) => void;
}

const FILE = 'file';

const OF_NODES =
  'Point at a node to see its shapes. Frames marked ×N stand for N equal blocks: click one to open it, and again to fold it.';
/** What can be seen in each view, until a node is pointed at. */
const HINTS: Readonly<Record<ViewName, string>> = {
  network: OF_NODES,
  computational: OF_NODES,
  distances:
    'A square for every pair of nodes: how long the shortest path from one to the other is. Grey: there is none.',
};

/** Fills the section and keeps it up to date; `open` shows the network of the state. */
export function networkSection({ worker, address, note, onOpening, onOpened }: NetworkSectionOptions): {
  open(): Promise<void>;
  reopen(): Promise<void>;
} {
  const { state, change } = address;
  const preset = byId('preset', HTMLSelectElement);
  const sizes = byId('sizes', HTMLDivElement);
  const facts = byId('facts', HTMLElement);
  const error = byId('network-error', HTMLParagraphElement);
  const unfold = byId('unfold', HTMLButtonElement);
  const hint = byId('node-hint', HTMLParagraphElement);
  const fullText = byId('network-text', HTMLParagraphElement);
  const fileNote = byId('file-note', HTMLParagraphElement);
  let source: NetworkSource = { kind: 'architecture', text: state().network };
  let blocks: readonly Blocks[] = [];
  /** The file that a link asks for. */
  let awaited: string | null = null;
  let isShown = false;

  const view = new GraphView({
    holder: byId('picture', HTMLDivElement),
    onNode: (text) => {
      if (text !== null) hint.textContent = text;
    },
    onToggle: (origin) => {
      const all = blocks.map((each) => each.origin);
      change(opening(state(), toggled(openIn(state()), origin, all)));
      void draw(true, origin);
    },
  });

  for (const { title, presets } of PRESET_GROUPS) {
    const group = make('optgroup', { label: title });
    for (const { label, text } of presets) group.append(make('option', { value: text }, label));
    preset.append(group);
  }

  /** Only the last of several openings in a row counts: a slider makes many. */
  let turn = 0;
  async function show(wanted: NetworkSource): Promise<void> {
    source = wanted;
    awaited = null;
    const own = ++turn;
    showChoice();
    view.isBusy = true;
    if (onOpening().isWaiting) {
      clear();
      facts.replaceChildren(
        ...factLine('Waits', 'it is opened when the prediction that is going on is done, or stopped'),
      );
    }
    try {
      const opened = await worker.call('open', wanted);
      if (own !== turn) return;
      say(error, null);
      isShown = true;
      showFacts(facts, opened);
      onOpened(opened);
      await draw(false);
    } catch (reason) {
      if (own === turn) showNothing(messageOf(reason));
    }
  }

  /** Nothing of another network stays. */
  function clear(): void {
    isShown = false;
    say(error, null);
    facts.replaceChildren();
    blocks = [];
    view.clear();
    hint.textContent = '';
    unfold.hidden = true;
  }

  function showNothing(why: string): void {
    clear();
    view.isBusy = false;
    say(error, why);
    onOpened(null);
  }

  /** A link has the name of a dropped file, not the file. */
  function askForFile(name: string): void {
    turn++;
    awaited = name;
    fileNote.hidden = false;
    showOwnChoice(name, FILE);
    sizes.replaceChildren();
    showNothing(`This link is of a file, ${name}, which is not in it: drop it here again.`);
  }

  /** Of several pictures in a row the last counts. */
  let drawing = 0;
  async function draw(keepsZoom: boolean, toggledBlocks?: number): Promise<void> {
    if (!isShown) return;
    const own = ++drawing;
    const ofNetwork = turn;
    const isLast = (): boolean => own === drawing && ofNetwork === turn;
    view.isBusy = true;
    const { view: wanted } = state();
    const open = openIn(state());
    try {
      const picture = await worker.call('picture', { view: wanted, open, width: view.room().width });
      if (!isLast()) return;
      blocks = picture.blocks;
      say(error, null);
      view.show(picture, keepsZoom, toggledBlocks);
      if (!keepsZoom) hint.textContent = HINTS[wanted];
      if (wanted !== 'distances') keepKnownFolds();
    } catch (reason) {
      if (!isLast()) return;
      // No picture of something else stays.
      blocks = [];
      view.clear();
      hint.textContent = '';
      say(error, messageOf(reason));
    }
    view.isBusy = false;
    const isOpen = blocks.length > 0 && blocks.every((each) => each.isOpen);
    const isAnyOpen = blocks.some((each) => each.isOpen);
    unfold.textContent = isAnyOpen ? 'Fold blocks' : 'Open all blocks';
    unfold.setAttribute('aria-pressed', String(isOpen));
    unfold.hidden = blocks.length === 0;
  }

  /** A link may name blocks that the network does not have. */
  function keepKnownFolds(): void {
    const open = openIn(state());
    if (open === 'all') return;
    const isKnown = (origin: number): boolean => blocks.some((each) => each.origin === origin);
    const unknown = open.filter((origin) => !isKnown(origin));
    if (unknown.length === 0) return;
    change(opening(state(), open.filter(isKnown)));
    note.add([`Opened blocks at ${unknown.join(', ')}: no blocks that are alike begin there.`]);
  }

  /** The choice and the sliders as they are for the network that is shown. */
  function showChoice(): void {
    const text = source.kind === 'architecture' ? source.text : null;
    if (source.kind === 'files') showOwnChoice(nameOfFiles(source.files), FILE);
    else {
      const { label, preset: known } = labelOf(source.text);
      if (known === null) showOwnChoice(label, source.text);
      else {
        preset.querySelector('option[data-own]')?.remove();
        preset.value = known;
      }
      say(fullText, label === source.text || known !== null ? null : source.text);
      preset.title = source.text;
    }
    sizes.replaceChildren(...(text === null ? [] : sizeRows(text)));
    fileNote.hidden = source.kind !== 'files';
  }

  /** A network that is no preset is a choice of its own, the first. */
  function showOwnChoice(label: string, value: string): void {
    preset.querySelector('option[data-own]')?.remove();
    const own = make('option', { value, 'data-own': '' }, label);
    preset.prepend(own);
    own.selected = true;
    preset.title = label;
    say(fullText, null);
  }

  function sizeRows(text: string): HTMLElement[] {
    try {
      return sizeControls(text).map((control) => sizeRow(control, (value) => resize(control.key, value)));
    } catch {
      // The worker says what is wrong with the text.
      return [];
    }
  }

  function resize(key: string, value: number): void {
    const focused = document.activeElement?.id;
    change({ ...FOLDED, network: withSize(state().network, key, value), hypernet: '' });
    note.clear();
    void show({ kind: 'architecture', text: state().network });
    // The sliders were made anew; the one that is moved keeps the keyboard.
    if (focused) document.getElementById(focused)?.focus();
  }

  function choose(text: string): void {
    address.enter({ ...FOLDED, network: text, file: '', hypernet: '' });
    note.clear();
    void show({ kind: 'architecture', text });
  }

  preset.addEventListener('change', () => {
    if (preset.value !== FILE) choose(preset.value);
  });
  for (const radio of document.querySelectorAll<HTMLInputElement>('input[name="view"]')) {
    radio.addEventListener('change', () => {
      change({ view: radio.value as ViewName });
      void draw(false);
    });
  }
  unfold.addEventListener('click', () => {
    const open = openIn(state());
    change(opening(state(), open === 'all' || open.length > 0 ? [] : 'all'));
    void draw(true);
  });
  byId('zoom-in', HTMLButtonElement).addEventListener('click', () => view.zoomIn());
  byId('zoom-out', HTMLButtonElement).addEventListener('click', () => view.zoomOut());
  byId('zoom-fit', HTMLButtonElement).addEventListener('click', () => view.fit());
  const take = (files: readonly DroppedFile[]): void => {
    if (files.length === 0) return;
    const file = nameOfFiles(files);
    // The file that a link asked for is shown as the link says.
    if (file === awaited) address.hold(files);
    else {
      address.enter({ ...FOLDED, network: FIRST_NETWORK, file, hypernet: '' }, files);
      note.clear();
    }
    void show({ kind: 'files', files });
  };
  acceptDrops(byId('drop', HTMLDivElement), take);
  for (const id of ['file', 'folder']) {
    const input = byId(id, HTMLInputElement);
    input.addEventListener('change', () => {
      take(pickedFiles(input));
      // The same file again is a choice, too, when another network was shown meanwhile.
      input.value = '';
    });
  }

  return {
    open: async () => {
      for (const radio of document.querySelectorAll<HTMLInputElement>('input[name="view"]'))
        radio.checked = radio.value === state().view;
      const { network, file } = state();
      const files = address.files();
      if (file === '') await show({ kind: 'architecture', text: network });
      else if (files !== undefined) await show({ kind: 'files', files });
      else askForFile(file);
    },
    reopen: () => show(source),
  };
}

/** Files may be dropped anywhere on the page. */
function acceptDrops(zone: HTMLElement, take: (files: readonly DroppedFile[]) => void): void {
  addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('over');
  });
  addEventListener('dragleave', ({ relatedTarget }) => {
    if (relatedTarget === null) zone.classList.remove('over');
  });
  addEventListener('drop', async (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    if (event.dataTransfer !== null) take(await droppedFiles(event.dataTransfer));
  });
}

/** A slider over the values that fit. */
function sizeRow({ key, label, value, values }: SizeControl, onChange: (value: number) => void): HTMLElement {
  const id = `size-${key}`;
  const output = make('output', { for: id }, thousands(value));
  const slider = make('input', {
    id,
    type: 'range',
    min: '0',
    max: String(values.length - 1),
    step: '1',
    value: String(values.indexOf(value)),
    'aria-valuetext': thousands(value),
  });
  slider.disabled = values.length < 2;
  slider.addEventListener('input', () => {
    output.textContent = thousands(values[Number(slider.value)]);
    slider.setAttribute('aria-valuetext', output.textContent);
  });
  slider.addEventListener('change', () => onChange(values[Number(slider.value)]));
  return make('div', { class: 'size' }, make('label', { for: id }, label), output, slider);
}

function showFacts(list: HTMLElement, facts: NetworkFacts): void {
  const { parameters, tensors, flops, computational, trouble, assumed } = facts;
  const lines: Array<readonly [string, string]> = [
    ['Parameters', `${thousands(parameters)} in ${counted(tensors, 'tensor')}`],
    ['Cost', flops === null ? 'depends on sizes that have only names' : `${short(flops, 'FLOP')} for one sample`],
    [
      'Computational graph',
      computational === null
        ? (trouble ?? '')
        : `${counted(computational.nodes, 'node')}, ${counted(computational.edges, 'edge')}, largest distance between two nodes ${computational.largestDistance}`,
    ],
    ...assumed.map((what) => ['Assumed', what] as const),
  ];
  list.replaceChildren(...lines.flatMap(([name, text]) => factLine(name, text)));
}

const factLine = (name: string, text: string): HTMLElement[] => [make('dt', {}, name), make('dd', {}, text)];
