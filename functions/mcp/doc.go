// Package mcp is the MCP endpoint: it admits callers with an access token of ours and
// runs tools by the official Go SDK.
//
//	size      as announced                                         413
//	origin    over plain http, of this machine                     403
//	token     one Bearer header, genuine, for this resource        401, 400
//	grant     still alive, by a look of bounded age                401, 503
//	scope     "mcp"                                                403
//	body      whole, within the limit                              413, 408
//	method    POST                                                 405
//	message   one meaning (strict JSON-RPC)                        400, 415, 406
//	scope     what the tool, prompt or resource asks for           403
//	SDK       stateless, all revisions of MCP on one URL
//
// Refusals of a caller are answered in OAuth's way, with a challenge, and refusals of a
// message in JSON-RPC's. Nothing about tools is told, and no body is read, before the
// token is known to be good.
//
// What is served is described by a [Server]: [Builtin], or one that an author hands to
// [Handler] and [Serve] from a package of their own. A part gets a [Caller] that was
// verified for this very request, and its own typed arguments. It never sees the token.
// docs/tools.md has a walk through, and mcptest tests such a server.
//
// What the SDK writes passes the answer (answer.go), which makes JSON or a stream of it.
// Parts run in a turn (turn.go), which knows their questions and what they send. Around them
// all stand the guards (guard.go, encodable.go), and a subscription (subscription.go) in the
// place of the SDK's. docs/conformance.md lists where that makes up for the SDK.
//
// Instead there may be an MCP server behind this one, which has all there is to call
// (forward.go, package proxy). Then the pipeline ends with the message, whose meaning is
// for that server; GET and DELETE, which older revisions have, go on too.
//
// Beside /mcp it serves the public keys of what tells upstream servers who calls
// (identitykeys.go): no other function holds that ring, and no token is asked for.
//
// Issuing tokens, and ending grants, is the token function's business.
package mcp
