/** Something to undo; has the shape of VS Code's `Disposable`. */
export interface Subscription {
  dispose(): void;
}

/** Where listeners sign up; has the shape of VS Code's `Event`, so that sessions need no editor. */
export type Event<Value> = (listener: (value: Value) => unknown) => Subscription;

export interface Emitter<Value> {
  readonly event: Event<Value>;
  fire(value: Value): void;
}

export function createEmitter<Value>(): Emitter<Value> {
  const listeners = new Set<(value: Value) => unknown>();
  return {
    event(listener) {
      listeners.add(listener);
      return { dispose: () => listeners.delete(listener) };
    },
    fire(value) {
      for (const listener of [...listeners]) listener(value);
    },
  };
}
