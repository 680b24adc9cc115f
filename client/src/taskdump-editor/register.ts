import { type Outline, outlineOf, referenceAt } from "@unknot/dump/formats/taskdump-outline.ts";
import type { Place } from "@unknot/protocol/place.ts";
import * as vscode from "vscode";
import { findFile } from "../places.ts";
import { registerDumpLenses } from "./lenses.ts";

/** Outline, folding, links to the source and Go to Definition in `.taskdump` files. */
export function registerTaskdumpEditor(): vscode.Disposable {
  const dumps: vscode.DocumentSelector = { language: "taskdump" };
  return vscode.Disposable.from(
    vscode.languages.registerDocumentSymbolProvider(dumps, {
      provideDocumentSymbols: (document) =>
        outline(document).blocks.map((block) => symbolOf(document, block)),
    }),
    vscode.languages.registerFoldingRangeProvider(dumps, {
      provideFoldingRanges: (document) =>
        outline(document)
          .blocks.filter(({ start, end }) => end > start)
          .map(({ start, end }) => new vscode.FoldingRange(start, end)),
    }),
    vscode.languages.registerDocumentLinkProvider(dumps, {
      provideDocumentLinks: (document) =>
        outline(document).places.map(
          ({ line, from, to, place }) => new PlaceLink(new vscode.Range(line, from, line, to), place),
        ),
      async resolveDocumentLink(link: PlaceLink) {
        const file = await findFile(link.place);
        if (file) link.target = file.with({ fragment: `L${link.place.line},${link.place.column}` });
        return link;
      },
    }),
    registerDumpLenses(dumps),
    vscode.languages.registerDefinitionProvider(dumps, {
      provideDefinition(document, position) {
        const reference = referenceAt(document.lineAt(position.line).text, position.character);
        const block = outline(document).blocks.find((each) => each.reference === reference);
        return block && new vscode.Location(document.uri, new vscode.Position(block.start, 0));
      },
    }),
  );
}

class PlaceLink extends vscode.DocumentLink {
  readonly place: Place;

  constructor(range: vscode.Range, place: Place) {
    super(range);
    this.place = place;
    this.tooltip = "Open the source";
  }
}

const outlines = new WeakMap<vscode.TextDocument, { readonly version: number; readonly outline: Outline }>();

/** The providers ask for the same text one after the other. */
function outline(document: vscode.TextDocument): Outline {
  const known = outlines.get(document);
  if (known?.version === document.version) return known.outline;
  const made = outlineOf(document.getText());
  outlines.set(document, { version: document.version, outline: made });
  return made;
}

const symbolKinds = {
  task: vscode.SymbolKind.Function,
  group: vscode.SymbolKind.Array,
  resource: vscode.SymbolKind.Object,
  problem: vscode.SymbolKind.Event,
  contention: vscode.SymbolKind.Number,
} as const;

function symbolOf(
  document: vscode.TextDocument,
  { kind, name, detail, start, end }: Outline["blocks"][number],
): vscode.DocumentSymbol {
  const header = document.lineAt(start).range;
  const range = new vscode.Range(header.start, document.lineAt(end).range.end);
  // A symbol without a name is refused, and with it all others.
  return new vscode.DocumentSymbol(name.trim() || kind, detail, symbolKinds[kind], range, header);
}
