// What axe-core finds on pages, light and dark, in Chromium.
//
// Arguments: the program, and the address of a page that links all others. It prints a line for
// each finding, and at the end "pages: " and how many it looked at.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { engines } from "./engines.mjs";

const [program, index] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const engine = await engines.chromium(program);
const { tab } = await engine.open();
await tab.go(index);
const pages = await tab.evaluate("[...document.links].map(a => a.href)");
let looked = 0;

/** What a script of axe-core's comes to, a line for each finding. */
async function look(page, scheme, options) {
  await tab.look(scheme, 1280, 900);
  const { violations, incomplete } = await tab.evaluate(`axe.run(${JSON.stringify(options)})`);
  for (const { id, nodes } of [...violations, ...incomplete])
    console.log(`${page} ${scheme}: ${id}: ${nodes.map((n) => `${n.html} ${n.failureSummary}`).join("; ")}`);
}

for (const page of pages) {
  await tab.go(page);
  await tab.evaluate(`${axe}; true`);
  await look(page, "light", {});
  await look(page, "dark", { runOnly: ["cat.color"] }); // the rest is the same
  looked++;
}
console.log(`pages: ${looked}`);
await engine.end();
