// What JupyterLab's modules and widgets look for, and jsdom does not have.
const nothing = (): void => undefined;

class Observer {
  readonly observe = nothing;
  readonly disconnect = nothing;
}

Object.assign(window, {
  DragEvent: class extends MouseEvent {},
  IntersectionObserver: Observer,
  ResizeObserver: Observer,
  matchMedia: () =>
    Object.assign(new EventTarget(), {
      matches: false,
      addListener: nothing,
      removeListener: nothing
    }),
  requestIdleCallback: (done: () => void) => setTimeout(done)
});
