import type { IDisposable } from '@lumino/disposable';

const GAP_PX = 4;
const LEAVE_MS = 150; // time to move the pointer from the line into the popover

/**
 * What is shown beside an element while the pointer or the focus is on it.
 *
 * It hangs at the body: cells of a windowed notebook clip what reaches beyond them.
 */
export class Popover implements IDisposable {
  constructor(
    private readonly _anchor: HTMLElement,
    private readonly _content: () => HTMLElement | null
  ) {
    this._id = `jp-green-popover-${String(++count)}`;
    for (const type of ['mouseenter', 'focus', 'mouseleave', 'blur']) {
      _anchor.addEventListener(type, this);
    }
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  handleEvent(event: Event): void {
    switch (event.type) {
      case 'mouseenter':
      case 'focus':
        this._open();
        break;
      case 'mouseleave':
        this._leave();
        break;
      case 'keydown':
        // Also while only the pointer is on it: WCAG 1.4.13, dismissible.
        if ((event as KeyboardEvent).key === 'Escape') {
          event.stopPropagation();
          this._close();
        }
        break;
      case 'scroll':
        if (!(event.target instanceof Node && this._node?.contains(event.target) === true)) {
          this._close();
        }
        break;
      default: // blur, and whatever moves the anchor away
        this._close();
    }
  }

  /** Show what is new, if it is open. */
  update(): void {
    if (this._node !== null) {
      const content = this._content();
      if (content === null) {
        this._close();
      } else {
        this._node.replaceChildren(content);
        this._place();
      }
    }
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._close();
      for (const type of ['mouseenter', 'focus', 'mouseleave', 'blur']) {
        this._anchor.removeEventListener(type, this);
      }
    }
  }

  private _open(): void {
    clearTimeout(this._timer);
    if (this._node !== null) {
      return;
    }
    const content = this._content();
    if (content === null) {
      return;
    }
    const node = document.createElement('div');
    node.id = this._id;
    node.className = 'jp-green-popover';
    node.setAttribute('role', 'tooltip');
    node.append(content);
    node.addEventListener('mouseenter', () => clearTimeout(this._timer));
    node.addEventListener('mouseleave', () => this._leave());
    document.body.append(node);
    this._node = node;
    this._anchor.setAttribute('aria-describedby', this._id);
    document.addEventListener('scroll', this, { capture: true, passive: true });
    document.addEventListener('keydown', this, { capture: true });
    this._place();
  }

  private _leave(): void {
    clearTimeout(this._timer);
    if (document.activeElement !== this._anchor) {
      this._timer = window.setTimeout(() => this._close(), LEAVE_MS);
    }
  }

  private _close(): void {
    clearTimeout(this._timer);
    document.removeEventListener('scroll', this, { capture: true });
    document.removeEventListener('keydown', this, { capture: true });
    this._anchor.removeAttribute('aria-describedby');
    this._node?.remove();
    this._node = null;
  }

  /** Below the anchor if there is room, else above it; never beyond the window. */
  private _place(): void {
    const node = this._node;
    if (node === null) {
      return;
    }
    const anchor = this._anchor.getBoundingClientRect();
    const own = node.getBoundingClientRect();
    const below = anchor.bottom + GAP_PX;
    const top = below + own.height <= window.innerHeight ? below : anchor.top - GAP_PX - own.height;
    const left = Math.min(anchor.right - own.width, window.innerWidth - own.width - GAP_PX);
    node.style.top = `${String(Math.max(GAP_PX, top))}px`;
    node.style.left = `${String(Math.max(GAP_PX, left))}px`;
  }

  private readonly _id: string;
  private _node: HTMLElement | null = null;
  private _timer: number | undefined;
  private _isDisposed = false;
}

let count = 0;
