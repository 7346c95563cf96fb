// The rules for the scripts of minidl/page, which are joined into one: npx eslint --config
// tests/browser/eslint.config.mjs minidl/page/*.js
import { readFileSync, readdirSync } from "node:fs";

const FOLDER = new URL("../../minidl/page/", import.meta.url);
const BROWSER = [
  "Blob", "DecompressionStream", "Path2D", "Response", "URL", "atob", "document",
  "getComputedStyle", "window",
];
// What the files declare for each other, at the beginning of a line.
const shared = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".js"))
  .flatMap((name) => readFileSync(new URL(name, FOLDER), "utf8").split("\n"))
  .map((line) => /^(?:async )?(?:const|function|class) (\w+)/.exec(line)?.[1])
  .filter(Boolean);
const MARKUP = ["innerHTML", "outerHTML", "insertAdjacentHTML", "write", "writeln", "srcdoc"];

export default [
  {
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: "script",
      globals: Object.fromEntries([...BROWSER, ...shared].map((name) => [name, "readonly"])),
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "array-callback-return": "error",
      complexity: ["error", 18],
      "consistent-return": "error",
      "constructor-super": "error",
      eqeqeq: "error",
      "getter-return": "error",
      "max-lines": ["error", 350],
      "max-lines-per-function": ["error", 45],
      "max-len": ["error", 120],
      "no-const-assign": "error",
      "no-dupe-args": "error",
      "no-dupe-class-members": "error",
      "no-dupe-else-if": "error",
      "no-dupe-keys": "error",
      "no-empty": "error",
      "no-eval": "error",
      "no-fallthrough": "error",
      "no-implied-eval": "error",
      "no-loss-of-precision": "error",
      "no-new-func": "error",
      "no-restricted-properties": ["error", ...MARKUP.map((property) => ({ property }))],
      "no-self-assign": "error",
      "no-shadow": "error",
      "no-this-before-super": "error",
      "no-undef": "error",
      "no-unreachable": "error",
      "no-unused-expressions": "error",
      "no-unused-vars": ["error", { vars: "local" }],
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": ["error", { destructuring: "all" }],
      radix: "error",
      "require-await": "error",
      strict: ["error", "global"],
      "use-isnan": "error",
      "valid-typeof": "error",
    },
  },
];
