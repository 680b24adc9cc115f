import type { Block, FileFacts, FunctionFacts, Instruction, ObjectPart, Temp, Terminator } from "./facts.ts";

/** A function's control-flow graph as text, for tests and for looking at. */
export function printFunction(file: FileFacts, facts: FunctionFacts): string {
  const kind = [facts.async ? "async" : "", facts.kind, facts.generator ? "*" : ""].filter(Boolean).join(" ");
  const head = `${kind} ${facts.name || "(anonymous)"}${facts.imprecise ? ` imprecise: ${facts.imprecise}` : ""}`;
  return [head, ...facts.blocks.map((block, index) => printBlock(file, block, index))].join("\n");
}

function printBlock(file: FileFacts, block: Block, index: number): string {
  const handler = block.handler === undefined ? "" : ` (throws to b${block.handler})`;
  const code = block.code.map((instruction) => `  ${printInstruction(file, instruction)}`);
  const cleanup = block.cleanup ? " (cleanup)" : "";
  return [`b${index}:${cleanup}${handler}`, ...code, `  ${printTerminator(block.end)}`].join("\n");
}

function printTerminator(end: Terminator): string {
  switch (end.kind) {
    case "goto":
      return `goto b${end.to}`;
    case "branch":
      return `if ${t(end.test)}${end.on === "nullish" ? " == null" : ""} b${end.yes} else b${end.no}`;
    case "return":
      return end.value === undefined ? "return" : `return ${t(end.value)}`;
    case "throw":
      return `throw ${t(end.value)}`;
    case "suspend":
      return `suspend b${end.resume} abandon b${end.abandon}`;
    case "unreachable":
      return "unreachable";
  }
}

/** One instruction, with the names of variables and functions. */
export function printInstruction(file: FileFacts, instruction: Instruction): string {
  const to = "to" in instruction ? `${t(instruction.to)} = ` : "";
  switch (instruction.op) {
    case "constant": {
      const { constant } = instruction;
      return `${to}${"value" in constant ? JSON.stringify(constant.value) : constant.type}`;
    }
    case "this":
    case "super":
      return `${to}${instruction.op}`;
    case "meta":
      return `${to}${instruction.name}`;
    case "parameter":
      return `${to}parameter ${instruction.rest ? "..." : ""}${instruction.index}`;
    case "load":
      return `${to}${variable(file, instruction.variable)}`;
    case "store":
      return `${instruction.initial ? "let " : ""}${variable(file, instruction.variable)} = ${t(instruction.from)}`;
    case "global":
      return `${to}global ${instruction.name}`;
    case "store-global":
      return `global ${instruction.name} = ${t(instruction.from)}`;
    case "get":
      return `${to}${t(instruction.object)}.${instruction.name}`;
    case "set":
      return `${t(instruction.object)}.${instruction.name} = ${t(instruction.from)}`;
    case "get-element":
      return `${to}${t(instruction.object)}[${t(instruction.key)}]`;
    case "set-element":
      return `${t(instruction.object)}[${t(instruction.key)}] = ${t(instruction.from)}`;
    case "rest":
      return `${to}rest of ${t(instruction.object)}`;
    case "call": {
      const receiver = instruction.receiver === undefined ? "" : `${t(instruction.receiver)}.`;
      return `${to}call ${receiver}${t(instruction.callee)}(${list(instruction.arguments, instruction.spread)})`;
    }
    case "new":
      return `${to}new ${t(instruction.callee)}(${list(instruction.arguments, instruction.spread)})`;
    case "super-call":
      return `${to}super(${list(instruction.arguments, instruction.spread)})`;
    case "await":
      return `${to}await ${t(instruction.from)}`;
    case "yield":
      return `${to}yield${instruction.delegate ? "*" : ""}${instruction.from === undefined ? "" : ` ${t(instruction.from)}`}`;
    case "closure":
    case "namespace":
      return `${to}${instruction.op} ${file.functions[instruction.function]?.name || instruction.function}`;
    case "class":
      return `${to}class ${file.classes[instruction.class]?.name || instruction.class}${instruction.superclass === undefined ? "" : ` extends ${t(instruction.superclass)}`}`;
    case "object":
      return `${to}{ ${instruction.parts.map(printPart).join(", ")} }`;
    case "array":
      return `${to}[${instruction.elements
        .map((element, index) =>
          element === null ? "" : `${instruction.spread.includes(index) ? "..." : ""}${t(element)}`,
        )
        .join(", ")}]`;
    case "spread":
      return `${to}...${t(instruction.from)}`;
    case "template":
      return `${to}template ${list(instruction.parts, [])}`;
    case "jsx":
      return `${to}jsx ${instruction.tag === undefined ? "" : t(instruction.tag)} (${instruction.attributes
        .map((attribute) => `${attribute.name}: ${t(attribute.value)}`)
        .join(", ")}) [${list(instruction.children, [])}]`;
    case "unary":
      return `${to}${instruction.operator} ${t(instruction.from)}`;
    case "binary":
      return `${to}${t(instruction.left)} ${instruction.operator} ${t(instruction.right)}`;
    case "move":
      return `${to}${t(instruction.from)}`;
    case "iterate":
      return `${to}iterate ${instruction.over} ${t(instruction.from)}`;
    case "next":
      return `${to}next ${instruction.over} ${t(instruction.iterator)} done ${t(instruction.done)}`;
    case "close-iterator":
      return `close ${instruction.over} ${t(instruction.iterator)}`;
    case "dispose":
      return `${instruction.async ? "await " : ""}dispose ${t(instruction.from)}`;
    case "caught":
      return `${to}caught`;
    case "require":
      return `${to}require ${JSON.stringify(instruction.specifier)}`;
    case "import":
      return `${to}import ${instruction.specifier === undefined ? "?" : JSON.stringify(instruction.specifier)}`;
    case "opaque":
      return `${to}opaque ${list(instruction.from, [])}`;
  }
}

function printPart(part: ObjectPart): string {
  switch (part.kind) {
    case "property":
      return `${part.name}: ${t(part.value)}`;
    case "computed":
      return `[${t(part.key)}]: ${t(part.value)}`;
    case "accessor":
      return `accessor ${part.name}: ${t(part.value)}`;
    case "spread":
      return `...${t(part.value)}`;
  }
}

function t(temp: Temp): string {
  return `%${temp}`;
}

function list(temps: readonly Temp[], spread: readonly number[]): string {
  return temps.map((temp, index) => `${spread.includes(index) ? "..." : ""}${t(temp)}`).join(", ");
}

function variable(file: FileFacts, id: number): string {
  return file.variables[id]?.name ?? `v${id}`;
}
