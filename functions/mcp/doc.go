// Package mcp is the MCP endpoint: it lets in who carries an access token of ours and
// runs tools by the official Go SDK.
//
//	address   Host and Origin are ours                             421, 403
//	token     one Bearer header, genuine, for this resource        401, 400
//	grant     still alive, by a look of bounded age                401, 503
//	scope     "mcp", and what the tool asks for                    403
//	method    POST                                                 405
//	message   one meaning (strict JSON-RPC)                        400, 413, 415
//	SDK       stateless, all revisions of MCP on one URL
//
// Everything up to scope is answered in OAuth's way, with a challenge; the rest in
// JSON-RPC's. Nothing about tools is told, and no message is parsed, before the token
// is known to be good.
//
// To add a tool, see tools.go: one function, one line in [Builtin]. A tool gets a
// [Caller] that was verified for this very request, and its own typed arguments. It
// never sees the token. docs/tools.md has a walk through.
//
// Issuing tokens, and ending grants, is the token function's business.
package mcp
