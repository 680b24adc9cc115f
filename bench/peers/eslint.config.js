import { parser, plugin } from "typescript-eslint";

const rules = {
  "@typescript-eslint/no-floating-promises": "error",
  "@typescript-eslint/no-misused-promises": "error",
};

// biome-ignore lint/style/noDefaultExport: ESLint reads the default export
export default [
  {
    files: ["**/*.{ts,tsx,mts,cts}"],
    languageOptions: { parser, parserOptions: { projectService: true } },
    plugins: { "@typescript-eslint": plugin },
    linterOptions: { noInlineConfig: true },
    rules,
  },
];
