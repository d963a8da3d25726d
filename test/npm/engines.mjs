// The engines behind browser.mjs: Chromium and Firefox over WebDriver BiDi, by puppeteer-core; WebKit
// by its own WebDriver.
// Each opens browsers that know nothing of one another, and each tab can do the same things.
import puppeteer from "puppeteer-core";
import { webkit } from "./webkit.mjs";

/** A tab of Chromium or Firefox. */
class BidiTab {
  constructor(page) { this.page = page; }
  async beside() { return new BidiTab(await this.page.browserContext().newPage()); }
  async go(url) {
    // A page that leads on at once, or an address that is no page, ends the wait; what comes is looked for.
    await this.page.goto(url, { waitUntil: "domcontentloaded" }).catch(() => {});
  }
  /** Does what may lead to another page, whose coming may swallow the answer of the one that is left. */
  async #act(act) {
    await this.page.bringToFront(); // one behind another is not painted, and waits for it
    let came;
    const left = new Promise((resolve) => this.page.once("framenavigated", came = resolve));
    const done = act();
    done.catch(() => {}); // where the page was left first
    await Promise.race([done, left]);
    this.page.off("framenavigated", came);
  }
  click(selector) { return this.#act(() => this.page.click(selector)); }
  async popup(act) {
    const opened = new Promise((resolve) => this.page.once("popup", resolve));
    await act();
    return new BidiTab(await opened);
  }
  type(selector, text) { return this.#act(() => this.page.type(selector, text)); }
  /** Presses a key, or several at once: "Shift+Tab". */
  press(keys) {
    const [key, ...held] = keys.split("+").reverse();
    return this.#act(async () => {
      for (const k of held) await this.page.keyboard.down(k);
      await this.page.keyboard.press(key);
      for (const k of held) await this.page.keyboard.up(k);
    });
  }
  evaluate(script) { return this.page.evaluate(script); }
  async back() { await this.page.goBack({ waitUntil: "domcontentloaded" }).catch(() => {}); }
  reload() { this.page.reload().catch(() => {}); } // a page that leads on is never done
  close() { return this.page.browserContext().close(); }
  async look(scheme, width, height) {
    await this.page.setViewport({ width, height });
    await this.page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  }
  async shot(path) { await this.page.screenshot({ path, fullPage: true }); }
}

async function bidi(browser, executablePath, args = []) {
  const running = await puppeteer.launch({
    browser, executablePath, args, protocol: "webDriverBiDi", headless: true, acceptInsecureCerts: true,
    timeout: 120_000, protocolTimeout: 120_000,
  });
  return {
    async open() {
      const context = await running.createBrowserContext();
      return { tab: new BidiTab(await context.newPage()), pids: [running.process().pid] };
    },
    end: () => running.close(),
  };
}

// Chromium's sandbox refuses root.
const chromium = (program) => bidi("chrome", program, process.getuid() === 0 ? ["--no-sandbox"] : []);
const firefox = (program) => bidi("firefox", program);

export const engines = { chromium, firefox, webkit };
