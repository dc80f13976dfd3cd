// Which rows of a long list are on the screen? The browser's window scrolls; rows are measured as they come by.
import { Virtualizer, defaultRangeExtractor, observeWindowOffset, observeWindowRect, windowScroll } from '@tanstack/virtual-core';
import type { VirtualizerOptions } from '@tanstack/virtual-core';

/** Lists up to here are whole in the page, so that the browser's own search finds everything in them. */
export const WHOLE = 150;
/** Rows beyond the edge of the screen, for keys that move the focus on. */
const AROUND = 12;
/** A row of which nothing is known yet. */
const ROW_PIXELS = 44;

export interface Seen {
  index: number;
  /** Pixels of the rows between this one and the one before it. */
  gap: number;
}

/** What of a list is in the page. */
export class Scrolled {
  #virtualizer: Virtualizer<Window, HTMLElement>;
  /** Moves on whenever something else is to be shown; counted beside it, so that who moves it does not listen to it. */
  #turn = $state(0);
  #turns = 0;
  #count: () => number;
  #focused = -1;

  constructor(count: () => number, key: (index: number) => string) {
    this.#count = count;
    this.#virtualizer = new Virtualizer(this.#options(key, 0));
    $effect(() => {
      this.#virtualizer.setOptions(this.#options(key, this.#virtualizer.options.scrollMargin));
      this.#virtualizer._willUpdate();
      this.#move();
    });
  }

  #move() {
    this.#turns += 1;
    this.#turn = this.#turns;
  }

  #options(key: (index: number) => string, scrollMargin: number): VirtualizerOptions<Window, HTMLElement> {
    return {
      count: this.#count(),
      getItemKey: key,
      scrollMargin,
      overscan: AROUND,
      estimateSize: () => ROW_PIXELS,
      getScrollElement: () => window,
      observeElementRect: observeWindowRect,
      observeElementOffset: observeWindowOffset,
      scrollToFn: windowScroll,
      initialOffset: () => window.scrollY,
      initialRect: { width: window.innerWidth, height: window.innerHeight },
      // Who is in a row with the keyboard stays there, however far the page is scrolled.
      rangeExtractor: (range) => [...new Set([...defaultRangeExtractor(range), ...(this.#focused >= 0 ? [this.#focused] : [])])].sort((a, b) => a - b),
      onChange: () => this.#move(),
    };
  }

  /** The rows in the page, and what is left out behind the last one. */
  get seen(): { rows: Seen[]; rest: number } {
    void this.#turn;
    const count = this.#count();
    if (count <= WHOLE) return { rows: Array.from({ length: count }, (_, index) => ({ index, gap: 0 })), rest: 0 };
    let end = this.#virtualizer.options.scrollMargin;
    const rows = [];
    for (const item of this.#virtualizer.getVirtualItems()) {
      if (item.index >= count) break;
      rows.push({ index: item.index, gap: Math.max(0, item.start - end) });
      end = item.end;
    }
    const rest = this.#virtualizer.getTotalSize() + this.#virtualizer.options.scrollMargin - end;
    return { rows, rest: Math.max(0, rest) };
  }

  /** Attached to what holds the rows: finds out where on the page they begin, and where the focus is. */
  holds = (box: HTMLElement) => {
    const look = () => {
      const top = box.getBoundingClientRect().top + window.scrollY;
      if (Math.abs(top - this.#virtualizer.options.scrollMargin) < 1) return;
      this.#virtualizer.setOptions({ ...this.#virtualizer.options, scrollMargin: top });
      this.#move();
    };
    const enter = (event: FocusEvent) => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-index]') : null;
      this.#focused = row ? Number(row.dataset['index']) : -1;
    };
    const leave = () => (this.#focused = -1);
    const layout = new ResizeObserver(look);
    layout.observe(document.body);
    look();
    box.addEventListener('focusin', enter);
    box.addEventListener('focusout', leave);
    const unmount = this.#virtualizer._didMount();
    this.#virtualizer._willUpdate();
    return () => {
      layout.disconnect();
      box.removeEventListener('focusin', enter);
      box.removeEventListener('focusout', leave);
      unmount();
    };
  };

  /** Attached to each row: says how high it is. */
  measured = (row: HTMLElement) => {
    if (this.#count() <= WHOLE) return;
    this.#virtualizer.measureElement(row);
    return () => this.#virtualizer.measureElement(null);
  };
}
