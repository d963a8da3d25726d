// Verifies tokens by jose, as an MCP server written in TypeScript does.
//
// Arguments: issuer, audience, address of the keys. Each line of the input is a token; each
// line of the output is its claims in JSON, or null if it was refused.
import { readFileSync } from "node:fs";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

const [issuer, audience, address] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(address));
for (const token of readFileSync(0, "utf8").trim().split("\n")) {
  let claims = null;
  try {
    claims = (await jwtVerify(token, keys, { issuer, audience })).payload;
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
  }
  console.log(JSON.stringify(claims));
}
