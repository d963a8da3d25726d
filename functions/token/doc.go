// Package token is the token endpoint (RFC 6749 §3.2) with revocation (RFC 7009) and
// introspection (RFC 7662).
//
//	POST /token       authorization_code with PKCE; refresh_token with rotation
//	POST /revoke      ends the grant that the token belongs to
//	POST /introspect  for confidential clients and for the operator's resource servers
//
// Every request goes parse, authenticate, decide, write. Whatever can be checked is
// checked before a credential is consumed, in the store's one transaction, last. What
// an access token contains is accesstoken's business.
package token
