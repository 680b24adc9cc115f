import type { FilePath, NodeId } from "./ids.ts";

/**
 * What the analysis knows about one file: its functions as control-flow graphs over three-address instructions, its
 * names, classes, types and comments. Plain data without a TypeScript object in it. It can be stored as JSON and
 * depends on nothing but the text and the path, so a copy found by content hash is as good as a fresh one.
 *
 * Invariant: whatever changes the meaning of a field raises `factsFormat`.
 */
export const factsFormat = 5;

declare const brand: unique symbol;
type Id<Name extends string> = number & { readonly [brand]: Name };

/** Index into `FileFacts.variables`. */
export type VariableId = Id<"variable">;
/** Index into `FileFacts.functions`. */
export type FunctionId = Id<"function">;
/** Index into `FileFacts.classes`. */
export type ClassId = Id<"class">;
/** Index into `FileFacts.types`. */
export type TypeId = Id<"type">;
/** Index into `FunctionFacts.blocks`. */
export type BlockId = Id<"block">;
/**
 * A value computed within one function. One instruction writes it, except for the result of a conditional
 * expression, which `move`s write, one on each path.
 */
export type Temp = Id<"temp">;

/** A stretch of the text, in UTF-16 units, `end` exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface FileFacts {
  readonly format: typeof factsFormat;
  readonly path: FilePath;
  readonly language: "typescript" | "javascript";
  /** It imports or exports something, so its names are its own and `await` may stand at its top. */
  readonly module: boolean;
  /** Offset of the first unit of each line. */
  readonly lines: readonly number[];
  readonly imports: readonly ImportFact[];
  /** `import "specifier"`, for what its code does. */
  readonly bareImports: readonly string[];
  readonly exports: readonly ExportFact[];
  readonly variables: readonly VariableFact[];
  /** The first is the body of the module. */
  readonly functions: readonly FunctionFacts[];
  readonly classes: readonly ClassFact[];
  readonly types: readonly TypeFact[];
  readonly suppressions: readonly SuppressionFact[];
  readonly disabledRules: readonly DisabledRules[];
  readonly tags: readonly TagFact[];
  /** A comment at the top says that a program wrote this file. */
  readonly generated: boolean;
  /** The file is meant to be run: `#!/usr/bin/env node`. */
  readonly hashbang: boolean;
}

/** `import { imported as variable } from "specifier"`. */
export interface ImportFact extends Range {
  readonly variable: VariableId;
  readonly specifier: string;
  /** The exported name; `default`; `*` for a namespace; `=` for `import x = require()`. */
  readonly imported: string;
  readonly typeOnly: boolean;
}

export type ExportFact =
  /** `=` is the name of what `export =` and `module.exports =` export. */
  | { readonly kind: "variable"; readonly name: string; readonly variable: VariableId }
  | { readonly kind: "type"; readonly name: string; readonly type: TypeId }
  /** `export { imported as name } from "specifier"`; `imported` is `*` for `export * as name`. */
  | {
      readonly kind: "from";
      readonly name: string;
      readonly imported: string;
      readonly specifier: string;
    }
  | { readonly kind: "star"; readonly specifier: string };

export type VariableKind =
  | "const"
  | "let"
  | "var"
  | "using"
  | "await using"
  | "parameter"
  | "catch"
  | "function"
  | "class"
  | "import"
  | "enum"
  | "namespace"
  /** Made by us: `export default <expression>`, `module.exports = …`. */
  | "export";

export interface VariableFact extends Range {
  readonly name: string;
  readonly kind: VariableKind;
  /** The declaration, by which TypeScript names the variable. */
  readonly node: NodeId;
  /** The function in whose body (or parameter list) it is declared. */
  readonly function: FunctionId;
  readonly type?: TypeReference;
  /** Functions other than its own mention it. */
  readonly captured: boolean;
  /** How many places assign to it, its initialiser not counted. */
  readonly assignments: number;
  readonly exported: boolean;
}

/** A type as written, as far as it names something. */
export type TypeReference =
  | {
      readonly kind: "named";
      /** What the first name means: a value (import, class, namespace), a type of this file, or nothing in this file. */
      readonly root:
        | { readonly kind: "variable"; readonly variable: VariableId }
        | { readonly kind: "type"; readonly type: TypeId }
        | { readonly kind: "global" };
      /** All names: `["mutexes", "Mutex"]` for `mutexes.Mutex`. */
      readonly path: readonly string[];
      readonly arguments: readonly TypeReference[];
    }
  | { readonly kind: "array"; readonly of: TypeReference }
  | { readonly kind: "union"; readonly of: readonly TypeReference[] }
  | { readonly kind: "function"; readonly returns: TypeReference }
  | { readonly kind: "object"; readonly type: TypeId }
  /** `void`, `string`, `any`, … */
  | { readonly kind: "keyword"; readonly name: string }
  | { readonly kind: "other" };

/** An interface, a type alias or an object type. */
export interface TypeFact extends Range {
  /** Empty for an object type without a name. */
  readonly name: string;
  readonly alias?: TypeReference;
  readonly extends: readonly TypeReference[];
  readonly members: readonly TypeMember[];
}

export interface TypeMember {
  readonly name: string;
  readonly kind: "method" | "property";
  readonly readonly: boolean;
  /** Of a method, what it returns. */
  readonly type: TypeReference;
  readonly node: NodeId;
}

export interface ClassFact extends Range {
  /** Empty for an anonymous class. */
  readonly name: string;
  readonly node: NodeId;
  /** The function in whose body it stands. */
  readonly function: FunctionId;
  readonly superclass: boolean;
  /** The superclass, when it is written as a name. */
  readonly extends?: TypeReference;
  readonly implements: readonly TypeReference[];
  readonly abstract: boolean;
  readonly members: readonly ClassMember[];
  readonly constructorFunction?: FunctionId;
  /** Initialises the instance fields; runs when the (super) constructor returns. */
  readonly fieldsFunction?: FunctionId;
  /** Static fields and blocks; runs where the class stands. */
  readonly staticsFunction?: FunctionId;
  /** Names of its decorators: `Injectable`. */
  readonly decorators: readonly string[];
}

export interface ClassMember extends Range {
  /** Private names begin with `#`; computed names are left out. */
  readonly name: string;
  readonly kind: "method" | "getter" | "setter" | "field";
  readonly static: boolean;
  readonly access: "public" | "protected" | "private";
  readonly readonly: boolean;
  readonly abstract: boolean;
  /** Body of a method or accessor. */
  readonly function?: FunctionId;
  /** Declared type of a field, or of what a method or getter returns. */
  readonly type?: TypeReference;
  readonly node: NodeId;
  readonly decorators: readonly string[];
}

export interface ParameterFact extends Range {
  /** The variable it is bound to, when it is no pattern. */
  readonly variable?: VariableId;
  readonly type?: TypeReference;
  readonly rest: boolean;
  readonly optional: boolean;
}

export type FunctionKind =
  | "module"
  | "function"
  | "arrow"
  | "method"
  | "getter"
  | "setter"
  | "constructor"
  /** Initialisers of instance fields. */
  | "fields"
  /** Static fields and static blocks. */
  | "statics"
  /** Body of a TypeScript namespace. */
  | "namespace";

export interface FunctionFacts extends Range {
  /** As a reader would call it: the declared name, the variable, property or method it is assigned to, or empty. */
  readonly name: string;
  readonly kind: FunctionKind;
  readonly async: boolean;
  readonly generator: boolean;
  /** The function around it. */
  readonly parent?: FunctionId;
  /** The class whose member it is. */
  readonly class?: ClassId;
  readonly static: boolean;
  /** Nodes by which TypeScript may name this function as a declaration. */
  readonly nodes: readonly NodeId[];
  readonly parameters: readonly ParameterFact[];
  readonly returnType?: TypeReference;
  /** The first is the entry; a block stands behind those that lead to it, loops apart. */
  readonly blocks: readonly Block[];
  readonly temps: number;
  /** Blocks of statements as written, for edits. */
  readonly statements: readonly StatementList[];
  readonly usesArguments: boolean;
  /** The variables that it reads or writes and other functions assign, too. */
  readonly writtenByOthers: readonly VariableId[];
  /** Why nothing should be concluded from this function: too deep, too many copies of finally blocks. */
  readonly imprecise?: string;
  /** Where the body begins and ends, braces or expression included. */
  readonly body: Range;
  /** An arrow function whose body is an expression. */
  readonly concise: boolean;
}

/** The statements of one block as written, in order. */
export interface StatementList extends Range {
  readonly of: readonly Range[];
}

/**
 * Instructions that run one after the other. An instruction that throws goes on at `handler`, or leaves the function
 * when there is none.
 */
export interface Block {
  readonly code: readonly Instruction[];
  readonly end: Terminator;
  readonly handler?: BlockId;
  /** It stands in a `catch` or `finally`, or runs because one does: its calls clean up after a failure. */
  readonly cleanup?: true;
}

export type Terminator =
  | { readonly kind: "goto"; readonly to: BlockId }
  /** `on: "nullish"`: `yes` is taken for null and undefined. */
  | {
      readonly kind: "branch";
      readonly test: Temp;
      readonly on: "truthy" | "nullish";
      readonly yes: BlockId;
      readonly no: BlockId;
    }
  /** `value` is absent where the body ends without `return`. `at` is the statement, or the end of the body. */
  | { readonly kind: "return"; readonly value?: Temp; readonly at: Range }
  | { readonly kind: "throw"; readonly value: Temp; readonly at: Range }
  /** After `yield`: the caller goes on, throws (to the handler), or abandons the generator. */
  | { readonly kind: "suspend"; readonly resume: BlockId; readonly abandon: BlockId }
  | { readonly kind: "unreachable" };

export type Constant =
  | { readonly type: "undefined" }
  | { readonly type: "null" }
  | { readonly type: "boolean"; readonly value: boolean }
  | { readonly type: "number"; readonly value: number }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "bigint"; readonly value: string }
  | { readonly type: "regexp"; readonly value: string };

export type ObjectPart =
  | { readonly kind: "property"; readonly name: string; readonly value: Temp }
  | { readonly kind: "computed"; readonly key: Temp; readonly value: Temp }
  | { readonly kind: "accessor"; readonly name: string; readonly value: Temp }
  | { readonly kind: "spread"; readonly value: Temp };

/**
 * One step, in the order in which JavaScript evaluates. `start` and `end` are what a reader would point at: the whole
 * call of a `call`, the name of a `get`.
 */
export type Instruction = Range &
  (
    | { readonly op: "constant"; readonly to: Temp; readonly constant: Constant }
    | { readonly op: "this"; readonly to: Temp }
    | { readonly op: "super"; readonly to: Temp }
    /** `new.target`, `import.meta`, `arguments`. */
    | { readonly op: "meta"; readonly to: Temp; readonly name: string }
    | { readonly op: "parameter"; readonly to: Temp; readonly index: number; readonly rest: boolean }
    | { readonly op: "load"; readonly to: Temp; readonly variable: VariableId; readonly node: NodeId }
    | {
        readonly op: "store";
        readonly variable: VariableId;
        readonly from: Temp;
        /** The declaration itself, and not a later assignment. */
        readonly initial: boolean;
      }
    /** A name that nothing in the file declares. */
    | { readonly op: "global"; readonly to: Temp; readonly name: string; readonly node: NodeId }
    | { readonly op: "store-global"; readonly name: string; readonly from: Temp }
    /** `object.name`; also what a destructuring pattern takes out, by name or by index. */
    | {
        readonly op: "get";
        readonly to: Temp;
        readonly object: Temp;
        readonly name: string;
        readonly node: NodeId;
        readonly pattern: boolean;
      }
    | { readonly op: "set"; readonly object: Temp; readonly name: string; readonly from: Temp }
    | { readonly op: "get-element"; readonly to: Temp; readonly object: Temp; readonly key: Temp }
    | { readonly op: "set-element"; readonly object: Temp; readonly key: Temp; readonly from: Temp }
    /** What a rest element of a pattern gathers. */
    | { readonly op: "rest"; readonly to: Temp; readonly object: Temp }
    | {
        readonly op: "call";
        readonly to: Temp;
        readonly callee: Temp;
        /** The object of a method call. */
        readonly receiver?: Temp;
        readonly arguments: readonly Temp[];
        /** Indexes of the arguments that are spread. */
        readonly spread: readonly number[];
        readonly node: NodeId;
      }
    | {
        readonly op: "new";
        readonly to: Temp;
        readonly callee: Temp;
        readonly arguments: readonly Temp[];
        readonly spread: readonly number[];
        readonly node: NodeId;
      }
    | {
        readonly op: "super-call";
        readonly to: Temp;
        readonly arguments: readonly Temp[];
        readonly spread: readonly number[];
      }
    | { readonly op: "await"; readonly to: Temp; readonly from: Temp; readonly node: NodeId }
    /** Ends its block; the terminator is `suspend`. */
    | { readonly op: "yield"; readonly to: Temp; readonly from?: Temp; readonly delegate: boolean }
    | { readonly op: "closure"; readonly to: Temp; readonly function: FunctionId }
    | { readonly op: "class"; readonly to: Temp; readonly class: ClassId; readonly superclass?: Temp }
    | { readonly op: "namespace"; readonly to: Temp; readonly function: FunctionId }
    | { readonly op: "object"; readonly to: Temp; readonly parts: readonly ObjectPart[] }
    | {
        readonly op: "array";
        readonly to: Temp;
        /** Null for a hole. */
        readonly elements: readonly (Temp | null)[];
        readonly spread: readonly number[];
      }
    /** `...from` among arguments or elements: the values that it gives. */
    | { readonly op: "spread"; readonly to: Temp; readonly from: Temp }
    | { readonly op: "template"; readonly to: Temp; readonly parts: readonly Temp[] }
    | {
        readonly op: "jsx";
        readonly to: Temp;
        readonly tag?: Temp;
        readonly attributes: readonly { readonly name: string; readonly value: Temp }[];
        readonly children: readonly Temp[];
      }
    | { readonly op: "unary"; readonly to: Temp; readonly operator: string; readonly from: Temp }
    | {
        readonly op: "binary";
        readonly to: Temp;
        readonly operator: string;
        readonly left: Temp;
        readonly right: Temp;
      }
    /** One of several writes of a conditional result. */
    | { readonly op: "move"; readonly to: Temp; readonly from: Temp }
    /** Asks `from` for an iterator. `keys` is for-in. */
    | {
        readonly op: "iterate";
        readonly to: Temp;
        readonly from: Temp;
        readonly over: "values" | "keys" | "async";
      }
    /** Asks the iterator for its next value; an await point when `over` is `async`. */
    | {
        readonly op: "next";
        readonly to: Temp;
        readonly done: Temp;
        readonly iterator: Temp;
        readonly over: "values" | "keys" | "async";
      }
    /**
     * Tells the iterator that the loop ends early; an await point when `over` is `async`. `quiet` when an exception
     * ends the loop: one that the iterator throws now is dropped.
     */
    | {
        readonly op: "close-iterator";
        readonly iterator: Temp;
        readonly over: "values" | "async";
        readonly quiet: boolean;
      }
    /** End of a `using` scope; an await point when `async`. */
    | { readonly op: "dispose"; readonly from: Temp; readonly async: boolean }
    /** What an exception handler catches. */
    | { readonly op: "caught"; readonly to: Temp }
    | { readonly op: "require"; readonly to: Temp; readonly specifier: string }
    /** `import(specifier)`: a promise of the namespace. */
    | { readonly op: "import"; readonly to: Temp; readonly specifier?: string; readonly node: NodeId }
    /** Something that is not followed; its operands leave our sight. */
    | { readonly op: "opaque"; readonly to: Temp; readonly from: readonly Temp[] }
  );

/** `// unknot-ignore-next-line rule, rule -- reason` */
export interface SuppressionFact extends Range {
  readonly scope: "next-line" | "file";
  /** Without the `unknot/` prefix; empty when none is named. */
  readonly rules: readonly string[];
  readonly reason: string;
  /** The 1-based line it speaks about; of `file`, the line it stands on. */
  readonly line: number;
}

/** Lines for which comments of other linters switch their rules off: `// eslint-disable-next-line <rule>`. */
export interface DisabledRules {
  /** As that linter calls them: `@typescript-eslint/no-floating-promises`. */
  readonly rules: readonly string[];
  /** 1-based, both included. */
  readonly firstLine: number;
  readonly lastLine: number;
}

/** `@unknot acquire handle=fn` in a documentation comment. */
export interface TagFact extends Range {
  /** Behind `@unknot`, as written. */
  readonly text: string;
  readonly textStart: number;
  /** What it stands above; absent where that is nothing which other code could name. */
  readonly on?: TaggedDeclaration;
}

export type TaggedDeclaration = {
  readonly name: string;
  /** The module of `declare module "…"` around it. */
  readonly module?: string;
} & (
  | { readonly kind: "class" | "interface" }
  | ({ readonly kind: "function" } & TaggedSignature)
  | ({ readonly kind: "method" | "static"; readonly owner: string } & TaggedSignature)
);

interface TaggedSignature {
  /** Whether it gives a promise, as far as it is written. */
  readonly promise: "yes" | "no" | "unknown";
  /** How many arguments it takes. */
  readonly parameters: number;
  /** The declared result, as written. */
  readonly returns?: string;
}
