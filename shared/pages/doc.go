// Package pages is what a person's browser gets: pages in one frame under one strict policy,
// cookies that only this origin can set, and the checks of a form of ours.
//
//	New  Page.Write                page.html is the frame, page.css the style
//	Errors  Answers                errors as pages, early ones included
//	SetCookie  Cookie  SameOrigin  what binds a form to a browser
package pages
