package pages

import (
	_ "embed"
	"errors"
	"net/http"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
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

// Explain gives err a page of its own, which says what happened and what to do next. Title
// and data are those of [Page.Write]. A caller who prefers JSON never sees it.
func Explain(err error, page *Page, title string, data any) error {
	return &explained{err, page, title, data}
}

type explained struct {
	error
	page  *Page
	title string
	data  any
}

func (e *explained) Unwrap() error { return e.error }

//go:embed error.html
var errorHTML string

var errorPage = New("error", errorHTML)

type errorData struct {
	Lead, Description, Code string
	Fault                   bool
}

// general explains an error that brings no page.
func general(err error, a httperr.Answer) *explained {
	d := errorData{
		Lead: "This sign-in cannot go on.", Description: a.Description, Code: string(a.Code), Fault: a.Fault,
	}
	if a.Fault {
		d.Lead = "The server has a problem of its own."
	}
	return &explained{err, errorPage, "Sign-in stopped", d}
}

func writeError(w http.ResponseWriter, r *http.Request, err error) {
	if prefersJSON(r) {
		edge.WriteJSONError(w, r, err)
		return
	}
	a := httperr.Of(err)
	e, ok := errors.AsType[*explained](err)
	if !ok {
		e = general(err, a)
	}
	edge.RetryAfter(w, a.RetryAfter)
	if err := e.page.Write(w, r, a.Status, e.title, e.data); err != nil {
		edge.WriteAnswer(w, r, a)
	}
}
