// Package oauth is the vocabulary of the authorization server: error codes, grant
// types, scopes, redirect URIs, PKCE, resource indicators and the metadata
// documents. It is pure: no I/O, no clock, no HTTP.
//
// What the server advertises and what it enforces come from the same names here,
// so one cannot drift from the other.
//
//	error.go     refusals a client is meant to read
//	redirect.go  the one redirect policy (registration, authorization, token)
//	scope.go     scopes
//	pkce.go      RFC 7636, S256 only
//	resource.go  RFC 8707 resource indicators
//	client.go    client metadata (RFC 7591 §2) and its checks
//	metadata.go  RFC 8414 and RFC 9728 documents
package oauth
