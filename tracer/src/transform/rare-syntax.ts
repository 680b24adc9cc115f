import { features } from "node:process";
import { Script } from "node:vm";

/**
 * Syntax that the parser takes and whoever runs the file may not. Such a file has to stay as it is: who refuses it shows
 * the line, which would be full of ours.
 */
export type RareSyntax = "typescript" | "decorator" | "accessor" | "using";

const samples: Readonly<Record<Exclude<RareSyntax, "typescript">, string>> = {
  decorator: "(@a class {})",
  accessor: "(class { accessor a; })",
  using: "{ using a = null; }",
};

const known = new Map<RareSyntax, boolean>();

/** Whether this Node refuses a file with this syntax, which is TypeScript's that has code behind it: enums, namespaces. */
export function isRefused(syntax: RareSyntax): boolean {
  let refused = known.get(syntax);
  if (refused === undefined) {
    refused = syntax === "typescript" ? onlyStrips() : !compiles(samples[syntax]);
    known.set(syntax, refused);
  }
  return refused;
}

/** It removes types and makes nothing of the rest, unless told to. */
function onlyStrips(): boolean {
  return (features as { readonly typescript?: unknown }).typescript === "strip";
}

function compiles(source: string): boolean {
  try {
    new Script(source);
    return true;
  } catch {
    return false;
  }
}
