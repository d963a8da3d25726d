// The TypeScript SDK 1.x: @modelcontextprotocol/sdk.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { run } from "./session.mjs";

run({
  name: "TypeScript SDK 1",
  Client,
  StreamableHTTPClientTransport,
  finish: (transport, params) => transport.finishAuth(params.get("code")),
});
