// Package pages is what a person's browser gets: pages in one frame under one strict policy,
// cookies that only this origin can set, and the checks of a form of ours.
//
//	page.go      New, Page.Write: page.html is the frame, page.css the style
//	look.go      With: what an operator makes of it (accent.go, logo.go)
//	language.go  Speak: which catalogue of texts/ a person reads
//	errors.go    Errors, Answers: errors as pages, early ones included, or as JSON;
//	             Explain: an error that brings its own page
//	cookie.go    SetCookie, Cookie, SameOrigin: what binds a form to a browser
//	redirect.go  SeeOther
package pages
