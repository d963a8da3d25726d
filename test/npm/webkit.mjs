// WebKit by its WebDriver (W3C WebDriver), which drives one browser: each that knows nothing of
// the others has a driver of its own. It paints on a display of its own too.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

// WebDriver §16.4.2: the keys that have no character.
const keys = { Tab: "\uE004", Enter: "\uE007", Shift: "\uE008" };
const elementKey = "element-6066-11e4-a52e-4f735466cecf"; // WebDriver §12

/** A tab of WebKit. */
class Tab {
  constructor(driver, handle) { Object.assign(this, { driver, handle }); }
  async #at(method, path, body) {
    await this.driver.ask("POST", "/window", { handle: this.handle });
    return this.driver.ask(method, path, body);
  }
  async beside() { return new Tab(this.driver, (await this.#at("POST", "/window/new", { type: "tab" })).handle); }
  async go(url) { await this.#at("POST", "/url", { url }).catch(() => {}); }
  async #element(selector) {
    return (await this.#at("POST", "/element", { using: "css selector", value: selector }))[elementKey];
  }
  async click(selector) { await this.driver.ask("POST", `/element/${await this.#element(selector)}/click`, {}); }
  async popup(act) {
    const before = await this.driver.ask("GET", "/window/handles");
    await act();
    for (const end = Date.now() + 60_000; Date.now() < end; await pause(50)) {
      const opened = (await this.driver.ask("GET", "/window/handles")).find((h) => !before.includes(h));
      if (opened) return new Tab(this.driver, opened);
    }
    throw new Error("no window was opened");
  }
  async type(selector, text) {
    await this.driver.ask("POST", `/element/${await this.#element(selector)}/value`, { text });
  }
  async press(named) {
    const pressed = named.split("+").map((k) => keys[k]);
    const actions = [
      ...pressed.map((value) => ({ type: "keyDown", value })),
      ...pressed.reverse().map((value) => ({ type: "keyUp", value })),
    ];
    await this.#at("POST", "/actions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }
  evaluate(script) { return this.#at("POST", "/execute/sync", { script: `return (${script})`, args: [] }); }
  async back() { await this.#at("POST", "/back", {}); }
  async reload() { await this.#at("POST", "/refresh", {}); }
  close() { return this.driver.end(); }
}

const children = [];

/** Starts a program that ends with this one. */
function start(program, args, options) {
  const child = spawn(program, args, options);
  children.push(child);
  return child;
}

/** A display without a screen, which Xvfb names when it is ready. */
async function display() {
  const xvfb = start("Xvfb", ["-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "1280x900x24"],
    { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const [number] = await once(createInterface({ input: xvfb.stdio[3] }), "line");
  return { shown: `:${number}`, pid: xvfb.pid };
}

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** A WebKitWebDriver with one session. */
class Driver {
  async start(program, env) {
    this.port = await freePort();
    this.process = start(program, [`--port=${this.port}`, "--host=127.0.0.1"], { env, stdio: "ignore" });
    const capabilities = { alwaysMatch: { acceptInsecureCerts: true } };
    this.session = "";
    for (const until = Date.now() + 60_000; ; await pause(50)) {
      const up = await this.#send("GET", "/status").catch(() => undefined);
      if (up) break;
      if (Date.now() > until) throw new Error("WebKitWebDriver does not answer");
    }
    this.session = `/session/${(await this.#send("POST", "/session", { capabilities })).sessionId}`;
    return this;
  }
  ask(method, path, body) { return this.#send(method, this.session + path, body); }
  async #send(method, path, body) {
    const answer = await fetch(`http://127.0.0.1:${this.port}${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }
  async end() {
    await this.ask("DELETE", "");
    this.process.kill();
  }
}

/** WebKit with MiniBrowser, which its driver knows where to find. */
export async function webkit(program) {
  const { shown, pid } = await display();
  const env = { ...process.env, DISPLAY: shown, GDK_BACKEND: "x11" };
  return {
    async open() {
      const driver = await new Driver().start(program, env);
      const [handle] = await driver.ask("GET", "/window/handles");
      return { tab: new Tab(driver, handle), pids: [pid, driver.process.pid] };
    },
    async end() { for (const child of children) child.kill(); },
  };
}
