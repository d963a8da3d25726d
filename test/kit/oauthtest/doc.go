// Package oauthtest is the other side of a sign-in, for tests: a GitHub that behaves
// as GitHub does, an OpenID Connect provider, and a browser that walks through the pages.
//
//	github.go, github_*.go   GitHub, its sign-in, its API, its faults on request
//	openid.go, openid_*.go   an OpenID Connect provider, honest and hostile
//	control.go               the knobs over HTTP, for a fake in another process
//	browser.go, page.go      Browser: redirects, forms, headers as browsers send them
//	jar.go                   Browser's cookies
//	cmd/fakegithub           the fake as a program
//
// Nothing here is linked into what is deployed.
package oauthtest
