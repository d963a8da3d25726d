package pages

import (
	_ "embed"
	"errors"
	"net/http"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
)

// Answers is how an endpoint for browsers speaks: the policy of pages on every answer, and
// errors as pages.
var Answers = edge.Answers{Headers: setHeaders, Error: writeError}

// Errors answers the errors of h with a page for a person, or in JSON for a caller who
// prefers that: the page that [Explain] gave the error, else a general one. Status and
// Retry-After are those of [httperr.Of], and the edge puts the error on the request's line,
// whichever page it is. It is for errors that must not be redirected; what may be, h
// redirects itself.
func Errors(h edge.HandlerFunc) http.Handler { return edge.Answering(h, writeError) }

// Explain gives err a page of its own, which says what happened and what to do next. Data is
// that of [Page.Write]. A caller who prefers JSON never sees it.
func Explain(err error, page *Page, data any) error { return &explained{err, page, data} }

type explained struct {
	error
	page *Page
	data any
}

func (e *explained) Unwrap() error { return e.error }

// Say puts err in the words of a text of the catalogues, on the general page, where it would else be in
// the English of its description: that is written for an app's developers.
func Say(err error, text Text) error { return &said{err, text} }

// A Text is one of "error.says".
type Text string

// The texts.
const (
	OtherSite        Text = "other_site"        // a form that was not on a page of ours
	OtherBrowser     Text = "other_browser"     // a page that was opened in another browser, or answered before
	NotApprovedHere  Text = "not_approved_here" // a callback in another browser, or one that came too often
	TooOld           Text = "too_old"           // a page that is not ours any more
	AlreadyCompleted Text = "already_completed" // a sign-in that is over
)

type said struct {
	error
	text Text
}

func (e *said) Unwrap() error { return e.error }

//go:embed error.html
var errorHTML string

var errorPage = New("error", errorHTML)

// ErrorData is what the general page says of an error.
type ErrorData struct {
	Status            int
	Says              Text // or Description, if it is empty
	Description, Code string
	Fault             bool
	Visit             bool // on the person's own page, and not in a sign-in for an application
}

// general explains an error that brings no page.
func general(r *http.Request, err error, a httperr.Answer) *explained {
	d := ErrorData{Status: a.Status, Description: a.Description, Code: string(a.Code), Fault: a.Fault}
	d.Visit = r.URL.Path == oauth.ConnectionsPath
	if s, ok := errors.AsType[*said](err); ok {
		d.Says = s.text
	}
	return &explained{err, errorPage, d}
}

func writeError(w http.ResponseWriter, r *http.Request, err error) {
	if edge.WantsJSON(r) {
		edge.WriteJSONError(w, r, err)
		return
	}
	a := httperr.Of(err)
	e, ok := errors.AsType[*explained](err)
	if !ok {
		e = general(r, err, a)
	}
	edge.RetryAfter(w, a.RetryAfter)
	if err := e.page.Write(w, r, a.Status, e.data); err != nil {
		edge.WriteAnswer(w, r, a)
	}
}
