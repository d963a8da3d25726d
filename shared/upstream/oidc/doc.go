// Package oidc signs people in at an OpenID Connect provider, whichever it is (OpenID Connect
// Core 1.0, by the authorization code flow). It trusts nothing that the provider has not
// signed or said over its own connection, and nothing at all about another sign-in.
//
//	provider.go   Provider: a sign-in, and the account of today
//	verify.go     what an ID token has to prove
//	keys.go       the provider's keys, which change
//	claims.go     what was said of a person, from ID token and user-info
//	logout.go     what a logout token has to prove (Back-Channel Logout 1.0)
//
// The provider as a server is [issuer.Issuer].
package oidc
