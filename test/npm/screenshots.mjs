// Pictures of pages: desk and phone, light and dark, in Chromium.
//
// Arguments: the program, the address of a page that links all others, and the directory to write
// to. Of each page it takes the English one.
import { engines } from "./engines.mjs";

const [program, index, directory] = process.argv.slice(2);
const sizes = { desk: [1280, 800], phone: [390, 844] };
const engine = await engines.chromium(program);
const { tab } = await engine.open();
await tab.go(index);
const pages = await tab.evaluate(`[...document.links].map(a => a.href).filter(a => a.endsWith("=en"))`);
for (const page of pages) {
  await tab.go(page);
  for (const [size, [width, height]] of Object.entries(sizes)) {
    for (const scheme of ["light", "dark"]) {
      await tab.look(scheme, width, height);
      await tab.shot(`${directory}/${new URL(page).pathname.slice(1)}-${size}-${scheme}.png`);
    }
  }
}
await engine.end();
