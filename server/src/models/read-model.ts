import { records } from "@unknot/models/format.ts";
import type { Model } from "@unknot/models/model.ts";
import { findNodeAtLocation, getNodeValue, parseTree } from "jsonc-parser";
import {
  type Complaint,
  complaintsAbout,
  type JsonProblem,
  parseJson,
  placed,
  placeOf,
} from "./json-shape.ts";

export type ReadModel =
  | { readonly ok: true; readonly model: Model }
  | { readonly ok: false; readonly problems: readonly JsonProblem[] };

/** Reads a model and checks all of it; the problems stand in the order of the file. */
export function readModel(text: string): ReadModel {
  const parsed = parseJson(text, { comments: false });
  const fail = (complaints: readonly Complaint[]): ReadModel => ({
    ok: false,
    problems: placed(text, complaints),
  });
  if (!parsed.ok) return fail(parsed.complaints);
  const { root } = parsed;
  const complaints = complaintsAbout(root, records, "model", "The model");
  if (complaints.length > 0) return fail(complaints);
  const model = getNodeValue(root) as Model;
  const messages = contradictions(model);
  if (messages.length === 0) return { ok: true, model };
  return fail(messages.map((message) => ({ offset: root.offset, message })));
}

/** Where something of a model stands in its text: 1-based. What is not there itself stands where its owner does. */
export function placeInModel(
  text: string,
  path: readonly string[],
): { readonly line: number; readonly column: number } {
  const root = parseTree(text);
  for (let length = path.length; root && length >= 0; length -= 1) {
    const segments = path.slice(0, length).map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    const found = findNodeAtLocation(root, segments);
    // The name of a property says more than its value.
    if (found) return placeOf(text, (found.parent?.type === "property" ? found.parent : found).offset);
  }
  return { line: 1, column: 1 };
}

/** What the shapes alone cannot say. */
function contradictions(model: Model): string[] {
  const problems: string[] = [];
  if (model.unknot !== 1) problems.push("This version of Unknot reads models of format 1.");
  const types = Object.keys(model.types ?? {});
  for (const [name, type] of Object.entries(model.types ?? {})) {
    if (type.extends !== undefined && !types.includes(type.extends)) {
      problems.push(`'${name}' extends '${type.extends}', which the model does not describe.`);
    }
    for (const create of type.create ?? []) {
      const forms = [create.new, create.call, create.global].filter((form) => form !== undefined);
      if (forms.length !== 1) problems.push(`'${name}' is created by exactly one of new, call and global.`);
    }
    for (const [member, operation] of Object.entries({ ...type.members, ...type.statics })) {
      const { returns } = operation;
      if (returns !== undefined && returns !== "this" && !types.includes(returns)) {
        problems.push(`'${name}.${member}' returns '${returns}', which the model does not describe.`);
      }
    }
  }
  return problems;
}
