// Package issuer knows an OpenID Connect provider as a server that is asked: where its
// endpoints are, how we prove who we are there, and what differs between products.
//
//	preset.go        what is known of products: the one table
//	issuer.go        Issuer, and the settings that make one
//	discovery.go     what the provider publishes of itself, fetched at first use
//	tenants.go       issuers that stand for many, one a tenant
//	assertion.go     a signed proof in place of a secret
//	endpoint.go      calls of the token and revocation endpoints
//
// It signs nobody in: who a person is, and whether an ID token is good, is for package oidc,
// which a function that only ends tokens need not link.
package issuer
