// An MCP server behind Postern on the TypeScript SDK, with sessions and streams that go on. Who calls is told by a
// token that the SDK's middleware takes and jose checks.
//
// Arguments: issuer, its own URL, port. It prints "waiting" when the call of wait goes on, and
// "cancelled" when it was.
import { randomUUID } from "node:crypto";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { createMcpExpressApp } from "@modelcontextprotocol/sdk/server/express.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { createRemoteJWKSet, jwtVerify } from "jose";

const [issuer, url, port] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(issuer + "/.well-known/identity-jwks.json"));

async function verifyAccessToken(token) {
  const { payload } = await jwtVerify(token, keys, { issuer, audience: url, algorithms: ["ES256"] });
  return {
    token, clientId: payload.client_id, scopes: payload.scope.split(" "), expiresAt: payload.exp,
    extra: { subject: payload.sub },
  };
}

const said = (text) => ({ content: [{ type: "text", text }] });
const progress = (extra, n) => extra.sendNotification({
  method: "notifications/progress", params: { progressToken: extra._meta.progressToken, progress: n },
});

function newServer() {
  const server = new McpServer({ name: "behind", version: "1" });
  server.registerTool("whoami", {}, (extra) => said(extra.authInfo.extra.subject));
  server.registerTool("count", {}, async (extra) => {
    for (const n of [1, 2, 3]) await progress(extra, n);
    return said("counted");
  });
  server.registerTool("wait", {}, async (extra) => {
    await progress(extra, 1);
    console.log("waiting");
    await new Promise((resolve) => extra.signal.addEventListener("abort", resolve));
    console.log("cancelled");
    return said("never");
  });
  return server;
}

// One store for everybody's streams, as one over a database is: it finds a stream by the event
// alone, whoever asks.
const stored = [];
const eventStore = {
  async storeEvent(stream, message) {
    stored.push({ stream, message });
    return `event-${stored.length}`;
  },
  async replayEventsAfter(last, { send }) {
    const after = Number(last.split("-")[1]);
    const { stream } = stored[after - 1];
    for (const [i, e] of stored.entries()) {
      if (i >= after && e.stream === stream && e.message.jsonrpc) await send(`event-${i + 1}`, e.message);
    }
    return stream;
  },
};

const sessions = new Map();
const app = createMcpExpressApp();
app.all("/mcp", requireBearerAuth({ verifier: { verifyAccessToken } }), async (req, res) => {
  let transport = sessions.get(req.headers["mcp-session-id"]);
  if (!transport && req.headers["mcp-session-id"]) {
    res.status(404).json({ jsonrpc: "2.0", id: null, error: { code: -32001, message: "Session not found" } });
    return;
  }
  if (!transport) {
    transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID, eventStore, onsessioninitialized: (id) => sessions.set(id, transport),
    });
    await newServer().connect(transport);
  }
  await transport.handleRequest(req, res, req.body);
});
app.listen(Number(port), "127.0.0.1", () => console.log("listening"));
