// The TypeScript SDK 2.x: @modelcontextprotocol/client. The last argument is how it agrees on
// a revision: "legacy", with the handshake, or "auto", which finds 2026-07-28.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { run } from "./session.mjs";

run({
  name: "TypeScript SDK 2",
  Client,
  StreamableHTTPClientTransport,
  options: { versionNegotiation: { mode: process.argv[5] } },
  finish: (transport, params) => transport.finishAuth(params),
});
