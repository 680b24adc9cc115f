/** A JSON value that knows where it stands in its text. */
export interface Positioned {
  readonly start: number;
  readonly end: number;
  readonly value:
    | { readonly is: "string"; readonly text: string }
    | { readonly is: "number"; readonly number: number }
    | { readonly is: "boolean"; readonly flag: boolean }
    | { readonly is: "null" }
    | { readonly is: "list"; readonly items: readonly Positioned[] }
    | { readonly is: "object"; readonly entries: readonly Entry[] };
}

export interface Entry {
  readonly key: string;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly value: Positioned;
}

export class JsonError extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Parses JSON; throws a `JsonError` that says where it went wrong. */
export function parsePositioned(text: string): Positioned {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

/** No model nests deeper; a hostile file might. */
const maxDepth = 50;

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Positioned {
    this.#space();
    const start = this.#at;
    if (depth > maxDepth) throw new JsonError("The values are nested too deeply.", start);
    const value = this.#content(depth);
    return { start, end: this.#at, value };
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) this.#fail("The file goes on after its value.");
  }

  #content(depth: number): Positioned["value"] {
    switch (this.#text[this.#at]) {
      case "{":
        return { is: "object", entries: this.#list("}", () => this.#entry(depth)) };
      case "[":
        return { is: "list", items: this.#list("]", () => this.value(depth + 1)) };
      case '"':
        return { is: "string", text: this.#string() };
      default:
        return this.#word();
    }
  }

  #entry(depth: number): Entry {
    this.#space();
    const keyStart = this.#at;
    if (this.#text[keyStart] !== '"') this.#fail("A name in double quotes is expected.");
    const key = this.#string();
    const keyEnd = this.#at;
    this.#space();
    if (this.#text[this.#at] !== ":") this.#fail("A colon is expected.");
    this.#at += 1;
    return { key, keyStart, keyEnd, value: this.value(depth + 1) };
  }

  #list<T>(close: string, item: () => T): T[] {
    this.#at += 1;
    const items: T[] = [];
    this.#space();
    while (this.#text[this.#at] !== close) {
      items.push(item());
      this.#space();
      if (this.#text[this.#at] === ",") {
        this.#at += 1;
        this.#space();
        if (this.#text[this.#at] === close) this.#fail("JSON has no comma here.");
      } else if (this.#text[this.#at] !== close) this.#fail(`A comma or '${close}' is expected.`);
    }
    this.#at += 1;
    return items;
  }

  #string(): string {
    const found = /"(?:[^"\\\n]|\\.)*"/y;
    found.lastIndex = this.#at;
    const match = found.exec(this.#text);
    if (!match) return this.#fail("The text in quotes does not end.");
    const start = this.#at;
    this.#at = found.lastIndex;
    try {
      return JSON.parse(match[0]) as string;
    } catch {
      throw new JsonError("The text in quotes has a character that JSON does not allow.", start);
    }
  }

  #word(): Positioned["value"] {
    const found = /true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
    found.lastIndex = this.#at;
    const word = found.exec(this.#text)?.[0];
    if (word === undefined) return this.#fail("A value is expected.");
    this.#at = found.lastIndex;
    if (word === "null") return { is: "null" };
    if (word === "true" || word === "false") return { is: "boolean", flag: word === "true" };
    return { is: "number", number: Number(word) };
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? "")) this.#at += 1;
  }

  #fail(message: string): never {
    throw new JsonError(message, this.#at);
  }
}
