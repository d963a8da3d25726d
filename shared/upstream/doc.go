// Package upstream signs people in at an identity provider and decides who of them
// may enter. It keeps nothing: what it learns is handed to the caller, who seals it.
//
//	upstream.go           Provider, Identity and the optional abilities of a provider
//	errors.go             the kinds of failure a caller acts on
//	token.go              the provider's token, kept as evidence only
//	allow.go, rule.go     who may enter (the ALLOW setting)
//	github*.go            GitHub and GitHub Enterprise Server, by an OAuth app or a GitHub App
//	development.go        a sign-in of our own, on loopback only
//	client.go             the HTTP client of all providers: no redirects, 5 s, 1 MiB
//
// One sign-in:
//
//	AuthCodeURL  → the browser leaves for the provider
//	Exchange     → callback query in, Identity and Token out
//	Allow.Check  → the rule that admits the person, or ErrNotAllowed
//
// State, browser binding and the one-time use of a callback belong to the
// authorization endpoint. A person is keyed by [Identity].Subject, which holds the
// provider's immutable id; login, name and e-mail address are for display and for
// rules, because all of them change hands.
package upstream
