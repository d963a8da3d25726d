// A real browser in a person's hands. It talks JSON lines over standard input and output: each
// line in is {"do": …, "tab": …}, each line out the answer or {"failed": …}.
//
//   {"do":"open"}                        → {"tab":1,"pids":[…]}  a browser that knows nothing, and its first tab
//   {"do":"tab","tab":1}                 → {"tab":2}  another tab beside it
//   {"do":"go","tab":1,"url":"…"}        → {}  does not wait for the page
//   {"do":"see","tab":1,"any":["…"]}     → {"seen":0}  waits until the page shows one of these elements
//   {"do":"click","tab":1,"on":"…"}      → {}  waits for the element; the page that is left is not seen again
//   {"do":"popup","tab":1,"on":"…"}      → {"tab":3}  a click that opens a window
//   {"do":"type","tab":1,"on":"…","text":"…"}  → {}
//   {"do":"press","tab":1,"key":"Tab"}   → {}
//   {"do":"evaluate","tab":1,"script":"…"}     → {"value":…}  of an expression
//   {"do":"back"} {"do":"reload"} {"do":"close"}, each with a tab → {}; the last ends its browser
//
// Arguments: the engine, "chromium", "firefox" or "webkit", and its program. It ends with its input.
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { engines } from "./engines.mjs";

const patience = 60_000;
const tabs = new Map();
const [name, program] = process.argv.slice(2);
const engine = await engines[name](program);

/** The index of the first of these elements that the page shows, or -1. It runs in the page. */
const shown = (selectors) => `(() => {
  if (document.documentElement.dataset.left !== undefined) return -1;
  const visible = e => e.checkVisibility({ visibilityProperty: true });
  return ${JSON.stringify(selectors)}.findIndex(s => [...document.querySelectorAll(s)].some(visible));
})()`;

async function see(tab, selectors) {
  for (const end = Date.now() + patience; Date.now() < end; await pause(50)) {
    // While the page changes there is none that could be asked.
    const seen = await tab.evaluate(shown(selectors)).catch(() => -1);
    if (seen >= 0) return seen;
  }
  const page = await tab.evaluate("location.pathname + ': ' + document.body.innerText").catch(String);
  throw new Error(`${selectors.join(" or ")} is not on the page ${page}`);
}

const leave = (tab) => tab.evaluate("document.documentElement.dataset.left = ''");

function keep(tab) {
  const id = tabs.size + 1;
  tabs.set(id, tab);
  return id;
}

const steps = {
  async open() {
    const { tab, pids } = await engine.open();
    return { tab: keep(tab), pids };
  },
  async tab({ tab }) { return { tab: keep(await tab.beside()) }; },
  async go({ tab, url }) { await tab.go(url); },
  async see({ tab, any }) { return { seen: await see(tab, any) }; },
  async click({ tab, on }) {
    await see(tab, [on]);
    await leave(tab);
    await tab.click(on);
  },
  async popup({ tab, on }) {
    await see(tab, [on]);
    return { tab: keep(await tab.popup(() => tab.click(on))) };
  },
  async type({ tab, on, text }) {
    await see(tab, [on]);
    await tab.type(on, text);
  },
  async press({ tab, key }) { await tab.press(key); },
  async evaluate({ tab, script }) { return { value: await tab.evaluate(script) }; },
  async back({ tab }) {
    await tab.back();
    await tab.evaluate("delete document.documentElement.dataset.left"); // of a page that was kept
  },
  async reload({ tab }) {
    await leave(tab);
    await tab.reload();
  },
  async close({ tab }) { await tab.close(); },
};

for await (const line of createInterface({ input: process.stdin })) {
  const step = JSON.parse(line);
  let answer;
  try {
    answer = await steps[step.do]({ ...step, tab: tabs.get(step.tab) });
  } catch (e) {
    answer = { failed: `${step.do}: ${e.message}` };
  }
  console.log(JSON.stringify(answer ?? {}));
}
await engine.end();
