// A client program around one of the TypeScript SDKs. It talks JSON lines over standard
// input and output: each line in is {"do": …}, each line out the answer or {"failed": …}.
//
//   {"do":"connect"}            → {"authorize":"URL"} if a person has to sign in, else {"connected":true}
//   {"do":"answer","url":"…"}   the redirect the browser got → {"connected":true}
//   {"do":"call","tool":"…"}    → {"result":{…}}
//
// What a client keeps, it keeps in one file, so that a killed client can start again.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { randomBytes } from "node:crypto";

/** An OAuth client provider of either SDK whose memory is a file. */
class Provider {
  authorizationUrl;
  #file;
  #kept;
  constructor(file, redirect, metadata) {
    this.#file = file;
    this.redirectUrl = redirect;
    this.clientMetadata = {
      redirect_uris: [redirect],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      ...metadata,
    };
    try {
      this.#kept = JSON.parse(readFileSync(file, "utf8"));
    } catch {
      this.#kept = {}; // the first start
    }
  }
  #keep(name, value) {
    this.#kept[name] = value;
    writeFileSync(this.#file + ".new", JSON.stringify(this.#kept), { mode: 0o600 });
    renameSync(this.#file + ".new", this.#file);
  }
  state() { return this.#kept.state ?? (this.#keep("state", randomBytes(16).toString("base64url")), this.#kept.state); }
  clientInformation() { return this.#kept.client; }
  saveClientInformation(client) { this.#keep("client", client); }
  tokens() { return this.#kept.tokens; }
  saveTokens(tokens) { this.#keep("tokens", tokens); }
  codeVerifier() { return this.#kept.verifier; }
  saveCodeVerifier(verifier) { this.#keep("verifier", verifier); }
  redirectToAuthorization(url) { this.authorizationUrl = url.href; }
  invalidateCredentials(scope) {
    if (scope === "all" || scope === "client") this.#keep("client", undefined);
    if (scope === "all" || scope === "tokens") this.#keep("tokens", undefined);
  }
}

/**
 * Runs the program. sdk has Client, StreamableHTTPClientTransport, UnauthorizedError, options of
 * the client, and finish(transport, redirectURL), which hands over the authorization response.
 */
export function run(sdk) {
  const [url, file, redirect] = process.argv.slice(2);
  const provider = new Provider(file, redirect, { client_name: sdk.name });
  let client, transport;

  const open = async () => {
    client = new sdk.Client({ name: sdk.name, version: "1" }, sdk.options);
    transport = new sdk.StreamableHTTPClientTransport(new URL(url), { authProvider: provider });
    await client.connect(transport);
    return { connected: true };
  };
  const steps = {
    connect: async () => {
      provider.authorizationUrl = undefined;
      try {
        return await open();
      } catch (error) {
        if (!provider.authorizationUrl) throw error;
        return { authorize: provider.authorizationUrl };
      }
    },
    answer: async ({ url }) => {
      await sdk.finish(transport, new URL(url).searchParams);
      return open();
    },
    call: async ({ tool }) => ({ result: await client.callTool({ name: tool, arguments: {} }) }),
  };

  createInterface({ input: process.stdin }).on("line", async (line) => {
    const step = JSON.parse(line);
    let answer;
    try {
      answer = await steps[step.do](step);
    } catch (error) {
      answer = { failed: String(error?.stack ?? error), authorize: provider.authorizationUrl };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }).on("close", () => process.exit(0));
}
