/** Progress on one line of a terminal; nothing where there is none. */
export interface Progress {
  show(done: number, total: number): void;
  /** Says something that stays. */
  say(message: string): void;
  done(): void;
}

/** `onTotal` is told how many files there are. */
export function createProgress(stream: NodeJS.WriteStream, onTotal: (files: number) => void): Progress {
  let shownAt = 0;
  let visible = false;
  const clear = () => {
    if (visible) stream.write("\r\u001b[K");
    visible = false;
  };
  return {
    show(done, total) {
      onTotal(total);
      const now = Date.now();
      if (!stream.isTTY || now - shownAt < 100) return;
      shownAt = now;
      clear();
      stream.write(`Checking ${done} of ${total} files`);
      visible = true;
    },
    say(message) {
      clear();
      stream.write(`${message}\n`);
    },
    done: clear,
  };
}
