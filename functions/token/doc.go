// Package token is the token endpoint (RFC 6749 §3.2) with revocation (RFC 7009) and
// introspection (RFC 7662).
//
//	POST /token       authorization_code with PKCE; refresh_token with rotation
//	POST /revoke      ends the grant that the token belongs to
//	POST /introspect  for confidential clients and for the operator's resource servers
//
// A request is read once: request.go says what is asked, caller.go who asks. From then on
// nothing sees the form or the HTTP request. Then come client_auth.go, the grant type or the
// token that is asked about, and the answer; handler.go has the whole way of a token request
// on one screen. Whatever can be checked is checked before a credential is consumed, in the
// store's one transaction, last. What an access token contains is accesstoken's business.
package token
