// Lumino's drag and drop derives an event from one that jsdom does not have.
if (!('DragEvent' in globalThis)) {
  Object.defineProperty(globalThis, 'DragEvent', { value: class extends MouseEvent {} });
}
