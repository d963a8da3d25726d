// Package oauthtest is the other side of a sign-in, for tests: a GitHub that behaves
// as GitHub does, and a browser that walks through the pages.
//
//	github.go, github_*.go   GitHub, its sign-in, its API, its faults on request
//	control.go               the knobs over HTTP, for a fake in another process
//	browser.go, page.go      Browser: redirects, forms, headers as browsers send them
//	jar.go                   Browser's cookies
//	cmd/fakegithub           the fake as a program
//
// Nothing here is linked into what is deployed.
package oauthtest
