import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { Popover } from '../popover';

let anchor: HTMLButtonElement;
let popover: Popover;
let content: string | null;

beforeEach(() => {
  vi.useFakeTimers();
  anchor = document.createElement('button');
  document.body.append(anchor);
  content = 'details';
  popover = new Popover(anchor, () => {
    if (content === null) {
      return null;
    }
    const node = document.createElement('p');
    node.textContent = content;
    return node;
  });
});

afterEach(() => {
  popover.dispose();
  anchor.remove();
  vi.useRealTimers();
});

function shown(): HTMLElement | null {
  return document.querySelector('.jp-green-popover');
}

function enter(node: Element): void {
  node.dispatchEvent(new MouseEvent('mouseenter'));
}

function leave(node: Element): void {
  node.dispatchEvent(new MouseEvent('mouseleave'));
}

it('shows while the pointer is on its anchor, and a moment longer', () => {
  expect(shown()).toBeNull();
  enter(anchor);
  expect(shown()?.textContent).toBe('details');
  leave(anchor);
  vi.advanceTimersByTime(100);
  expect(shown()).not.toBeNull();
  vi.advanceTimersByTime(100);
  expect(shown()).toBeNull();
});

it('stays while the pointer is in it', () => {
  enter(anchor);
  leave(anchor);
  const node = shown();
  if (node === null) {
    throw new Error('closed');
  }
  enter(node);
  vi.advanceTimersByTime(10_000);
  expect(shown()).toBe(node);
  leave(node);
  vi.advanceTimersByTime(200);
  expect(shown()).toBeNull();
});

it('shows while the anchor has the focus, and describes it to a screen reader', () => {
  anchor.focus();
  const node = shown();
  expect(node?.getAttribute('role')).toBe('tooltip');
  expect(anchor.getAttribute('aria-describedby')).toBe(node?.id);
  enter(anchor);
  leave(anchor);
  vi.advanceTimersByTime(1000);
  expect(shown()).toBe(node);
  anchor.blur();
  expect(shown()).toBeNull();
  expect(anchor.hasAttribute('aria-describedby')).toBe(false);
});

it('closes at Escape, which then means nothing else; the next one does', () => {
  let heard = 0;
  const hear = (): void => {
    heard += 1;
  };
  document.addEventListener('keydown', hear);
  const press = (key: string): void => {
    anchor.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  };
  anchor.focus();
  press('a');
  expect([shown() === null, heard]).toEqual([false, 1]);
  press('Escape');
  expect([shown() === null, heard]).toEqual([true, 1]);
  press('Escape');
  expect(heard).toBe(2);
  document.removeEventListener('keydown', hear);
});

it('closes at Escape also while only the pointer is on it, and listens no longer than it is open', () => {
  enter(anchor);
  document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
  expect(shown()).toBeNull();
  let isStopped = true;
  const hear = (): void => {
    isStopped = false;
  };
  document.addEventListener('keydown', hear);
  document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
  expect(isStopped).toBe(false);
  document.removeEventListener('keydown', hear);
});

it('closes where what is around it scrolls away', () => {
  enter(anchor);
  document.body.dispatchEvent(new Event('scroll'));
  expect(shown()).toBeNull();
});

it('stays where it is scrolled itself', () => {
  enter(anchor);
  shown()?.dispatchEvent(new Event('scroll'));
  expect(shown()).not.toBeNull();
});

it('shows what is new, and closes where there is nothing any more', () => {
  popover.update();
  expect(shown()).toBeNull();
  enter(anchor);
  content = 'newer';
  popover.update();
  expect(shown()?.textContent).toBe('newer');
  content = null;
  popover.update();
  expect(shown()).toBeNull();
  enter(anchor);
  expect(shown()).toBeNull();
});

it('stays within the window, below its anchor or else above it', () => {
  const box = (left: number, top: number, width: number, height: number): DOMRect =>
    new DOMRect(left, top, width, height);
  anchor.getBoundingClientRect = () => box(0, window.innerHeight - 20, 30, 20);
  const own = vi
    .spyOn(HTMLDivElement.prototype, 'getBoundingClientRect')
    .mockReturnValue(box(0, 0, 300, 100));
  enter(anchor);
  expect(shown()?.style.left).toBe('4px');
  expect(shown()?.style.top).toBe(`${String(window.innerHeight - 20 - 4 - 100)}px`);
  anchor.getBoundingClientRect = () => box(600, 10, 30, 20);
  popover.update();
  expect(shown()?.style.left).toBe('330px');
  expect(shown()?.style.top).toBe('34px');
  own.mockRestore();
});

it('opens once, however often it is entered', () => {
  enter(anchor);
  anchor.focus();
  enter(anchor);
  expect(document.querySelectorAll('.jp-green-popover').length).toBe(1);
});

it('leaves nothing behind when it is disposed of', () => {
  enter(anchor);
  leave(anchor);
  popover.dispose();
  expect([shown(), popover.isDisposed, vi.getTimerCount()]).toEqual([null, true, 0]);
  enter(anchor);
  anchor.focus();
  expect(shown()).toBeNull();
});
