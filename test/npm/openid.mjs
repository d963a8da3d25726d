// node-oidc-provider with people and clients that tests make. What it knows it keeps in a file,
// so that it can be stopped and started again. Knobs are at /_control, as the other provider
// programs of the tests have them (package idp).
//
//   node openid.mjs 9000 FILE
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { Provider, interactionPolicy } from "oidc-provider";

const [port, file] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;

const newKey = () => ({
  ...generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }),
  kid: randomUUID(), alg: "ES256", use: "sig",
});

let state;
try {
  state = JSON.parse(readFileSync(file, "utf8"));
} catch {
  state = { users: {}, clients: {}, records: {}, keys: [newKey()], cookies: [randomUUID()] }; // the first start
}
const save = () => writeFileSync(file, JSON.stringify(state), { mode: 0o600 });

/** The records of one kind (the library's example adapters say what each method is for). */
class Adapter {
  constructor(kind) { this.kind = kind; }
  get records() { return (state.records[this.kind] ??= {}); }
  async upsert(id, payload) { this.records[id] = payload; save(); }
  async find(id) { return this.kind === "Client" ? state.clients[id] : this.records[id]; }
  async findByUid(uid) { return Object.values(this.records).find((r) => r.uid === uid); }
  async findByUserCode() {}
  async consume(id) { this.records[id].consumed = Math.floor(Date.now() / 1000); save(); }
  async destroy(id) { delete this.records[id]; save(); }
  async revokeByGrantId(grantId) {
    for (const [id, r] of Object.entries(this.records)) if (r.grantId === grantId) delete this.records[id];
    save();
  }
}

const yes = `<button name="logout" value="yes">Sign out</button>`;
const policy = interactionPolicy.base();
policy.add(new interactionPolicy.Prompt({ name: "select_account", requestable: true }), 0);

// A provider has its keys for good, so new ones take a new provider.
const open = () => {
  const provider = new Provider(issuer, {
    adapter: Adapter,
    jwks: { keys: state.keys },
    cookies: { keys: state.cookies },
    claims: { openid: ["sub"], profile: ["preferred_username", "name", "groups"] },
    findAccount: (_, id) => state.users[id]?.disabled === false ? {
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, name: id, groups: state.users[id].groups }),
    } : undefined,
    enabledJWA: { idTokenSigningAlgValues: ["ES256"] },
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    features: {
      devInteractions: { enabled: false }, backchannelLogout: { enabled: true }, revocation: { enabled: true },
      rpInitiatedLogout: { logoutSource: (ctx, form) => { ctx.body = form.replace("</form>", `${yes}</form>`); } },
    },
    interactions: { policy, url: (_, interaction) => `/interaction/${interaction.uid}` },
    rotateRefreshToken: true,
    // The library calls no address of this machine, and the tests' servers are here.
    fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
  });
  for (const event of ["server_error", "backchannel.error"]) provider.on(event, (_, error) => console.error(error));
  return { provider, callback: provider.callback() };
};
let current = open();

/** One page of a sign-in: a form for whoever has to sign in, and a button to agree. */
async function interaction(request, response) {
  const { provider } = current;
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (request.method === "GET") {
    const fields = prompt.name === "consent" ? "" : `<input name="username"><input type="password" name="password">`;
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    return response.end(`<!doctype html><form method="post">${fields}<button name="go" value="on">Go on</button></form>`);
  }
  const form = await formOf(request);
  if (prompt.name === "consent") {
    const grant = grantId ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } },
      { mergeWithLastSubmission: true });
  }
  const user = state.users[form.get("username")];
  if (!user || user.disabled || form.get("password") !== "password") {
    response.statusCode = 403;
    return response.end("no such account");
  }
  const login = { login: { accountId: form.get("username") }, select_account: {} };
  return provider.interactionFinished(request, response, login, { mergeWithLastSubmission: false });
}

/** What tests want of the provider. */
async function control(request, response) {
  const form = await formOf(request);
  const name = form.get("name");
  switch (form.get("do")) {
    case "client":
      state.clients[name] = {
        client_id: name, redirect_uris: [form.get("callback")], grant_types: ["authorization_code", "refresh_token"],
        token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [JSON.parse(form.get("key"))] },
        backchannel_logout_uri: form.get("logout"), backchannel_logout_session_required: true,
      };
      break;
    case "user":
      state.users[name] = {
        groups: form.get("groups").split(" ").filter(Boolean), disabled: form.get("disabled") === "true",
      };
      break;
    case "rotate":
      state.keys = [newKey()];
      current = open();
      break;
    default:
      response.statusCode = 400;
  }
  save();
  response.end();
}

async function formOf(request) {
  let body = "";
  for await (const part of request) body += part;
  return new URLSearchParams(body);
}

createServer((request, response) => {
  const path = new URL(request.url, issuer).pathname;
  const handle = path === "/_control" ? control : path.startsWith("/interaction/") ? interaction : current.callback;
  Promise.resolve(handle(request, response)).catch((error) => {
    console.error(error);
    response.statusCode = 500;
    response.end();
  });
}).listen(Number(port), "127.0.0.1", () => console.log("listening on", issuer));
