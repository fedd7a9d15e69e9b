/** An event of Electron, whose default a listener may prevent. */
export class PreventableEvent {
  defaultPrevented = false;

  preventDefault(): void {
    this.defaultPrevented = true;
  }
}

/** An event with what Electron puts on it. */
export function eventWith<T extends object>(parts: T): PreventableEvent & T {
  return Object.assign(new PreventableEvent(), parts);
}
