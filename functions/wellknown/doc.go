// Package wellknown serves the documents by which clients find their way: the
// metadata of the MCP endpoint (RFC 9728), the metadata of the authorization server
// (RFC 8414, and the same under OpenID Connect's name) and the public keys (RFC 7517).
//
//	/.well-known/oauth-protected-resource           also with /mcp behind it or before it
//	/.well-known/oauth-authorization-server         likewise
//	/.well-known/openid-configuration               likewise
//	/.well-known/jwks.json  /jwks
//	/.well-known/openai-apps-challenge              where the operator has one
//
// All paths of one document answer the same bytes, at once and without a redirect,
// since clients probe several of them and some refuse to follow one.
//
// Everything comes from the issuer alone and the keys from a file. The package links
// no store, no cloud client and no identity provider, so it answers when they are down.
package wellknown
