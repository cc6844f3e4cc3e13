// Lumino's drag and drop derives an event from one that jsdom does not have.
if (!('DragEvent' in globalThis)) {
  Object.defineProperty(globalThis, 'DragEvent', { value: class extends MouseEvent {} });
}
// JupyterLab's components ask for the user's contrast when they are loaded, and wait until the page has nothing to do.
Object.assign(window, {
  matchMedia: () => new EventTarget(),
  requestIdleCallback: (done: () => void) => setTimeout(done)
});
