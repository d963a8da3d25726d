// Package connections is where people look: what this server is and how to connect a program to
// it, and what is connected in their own name, which they may end.
//
//	GET  /             the front door: a page for a person, JSON for a program
//	                   front.go
//	GET  /connections  one's own connections, or the way to sign in for them
//	                   list.go
//	POST /connections  ends one or all of them, or the browser's session
//	                   end.go
//	GET  /health, /robots.txt, /favicon.ico
//	                   answers that cost nothing
//	                   front.go
//
// Every path that nothing else has leads here too, so that a person reads a page. Who somebody is, says
// the browser's session (shared/session), which the authorize function begins: the provider sends browsers
// back there.
package connections
