package authorize

import (
	_ "embed"
	"errors"
	"html/template"
	"net/http"

	"github.com/postern-dev/postern/shared/about"
	"github.com/postern-dev/postern/shared/cimd"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
)

// The errors of this file bring the page that a person reads: what happened, and what to
// do next. Every other error gets the general page of [pages.Errors], which answers both.

//go:embed unknown_client.html
var unknownClientHTML string

//go:embed undescribed.html
var undescribedHTML string

//go:embed refused.html
var refusedHTML string

//go:embed unfinished.html
var unfinishedHTML string

//go:embed no_entry.html
var noEntryHTML string

//go:embed expired.html
var expiredHTML string

var (
	unknownClientPage = pages.New("unknown-client", unknownClientHTML)
	undescribedPage   = pages.New("undescribed", undescribedHTML)
	refusedPage       = pages.New("refused", refusedHTML)
	unfinishedPage    = pages.New("unfinished", unfinishedHTML)
	noEntryPage       = pages.New("no-entry", noEntryHTML)
	expiredPage       = pages.New("expired", expiredHTML)
)

type unknownClientData struct{ Retry string }

// unknownClient is the error of a client that is not registered (RFC 6749 §4.1.2.1: no
// redirect). The page says how each product forgets a dead registration.
func unknownClient(r *http.Request) error {
	err := oauth.Refuse(oauth.InvalidClient,
		"client_id is not registered here: make the application forget this server and connect again")
	return pages.Explain(httperr.Status(http.StatusBadRequest, err), unknownClientPage,
		unknownClientData{Retry: retryLink(r)})
}

// retryLink returns the request again, for a client that has registered anew in the
// meantime under the same id; empty where the request cannot be repeated.
func retryLink(r *http.Request) string {
	if r.URL.Path != oauth.AuthorizePath || r.Method != http.MethodGet {
		return ""
	}
	return oauth.AuthorizePath + "?" + r.URL.RawQuery
}

type undescribedData struct {
	Host, Says, Retry           string
	Unreadable, Malformed, Busy bool
}

// undescribed is the error of a client whose document cannot be had, for the reason err
// (CIMD §4.3: no redirect). The page says which host it is about (W2, G4). An err that is
// not a [*cimd.Problem] stays as it is.
func undescribed(r *http.Request, err error) error {
	p, ok := errors.AsType[*cimd.Problem](err)
	if !ok {
		return err
	}
	switch refusal := oauth.RefuseBecause(err, oauth.InvalidClient, p.Says); p.Kind {
	case cimd.Unreadable:
		err = httperr.Unreachable(refusal)
	case cimd.Busy:
		err = httperr.TooMany(0)
	default:
		err = httperr.Status(http.StatusBadRequest, refusal)
	}
	return pages.Explain(err, undescribedPage, undescribedData{
		Host: p.Host, Says: p.Says, Retry: retryLink(r),
		Unreadable: p.Kind == cimd.Unreadable, Malformed: p.Kind == cimd.Malformed, Busy: p.Kind == cimd.Busy,
	})
}

type refusedData struct {
	Code, Description, Destination string
	PrivateUse                     bool
	Link                           template.URL
}

// refused is the error of a request whose redirect URI is known to be the client's. The
// client registered itself a moment ago for all we know, so the browser is not bounced
// there unseen; the person may follow the link, which carries the error (OAuth 2.1
// §7.12.2, RFC 9700 §4.11.2). A fault stays as it is.
func refused(r *http.Request, to oauth.Redirect, state string, err error) error {
	a := httperr.Of(err)
	if a.Fault {
		return err
	}
	return pages.Explain(err, refusedPage, refusedData{
		Code: string(a.Code), Description: a.Description, Destination: to.Destination(), PrivateUse: to.PrivateUse(),
		Link: clientLink(to, "error", string(a.Code), "error_description", a.Description,
			"state", state, "iss", edge.Issuer(r).String()),
	})
}

// clientLink is the one place that writes a link of any scheme into a page. A
// Redirect has passed the redirect policy, which knows no scheme that runs in a page.
func clientLink(to oauth.Redirect, nameValues ...string) template.URL {
	return template.URL(to.With(nameValues...))
}

type unfinishedData struct {
	Provider, Link string
	Fault, Visit   bool
}

// unfinished is the error of an approved sign-in that did not come to its end. Nothing is
// issued, so a new round at the provider completes the same transaction, and the page leads
// there; the code of the round before is used up, which a reload would not get over. A
// provider whose pages cannot be found was not asked yet, so there a reload goes on.
func (h *handler) unfinished(r *http.Request, t transaction, err error) error {
	link, unknown := h.providerURL(r, t, t.Request.Hints)
	if unknown != nil {
		link = r.URL.RequestURI()
	}
	return pages.Explain(err, unfinishedPage, unfinishedData{
		Provider: h.Provider.Title(), Link: link, Fault: httperr.Of(err).Fault, Visit: t.Visit,
	})
}

type noEntryData struct {
	ServerHost, Provider, Login, Reason, Another, Destination string
	Contact                                                   about.Contact
	Back                                                      template.URL
}

// noEntry is the error of an account that may not enter, which the provider or ALLOW said. The
// person reads it first, may go on with another account in the same transaction, and goes back
// by a link that tells the client (RFC 6749 §4.1.2.1).
func (h *handler) noEntry(r *http.Request, t transaction, to oauth.Redirect, cause error) error {
	another, err := h.providerURL(r, t, otherAccount(t.Request.Hints))
	if err != nil {
		return err
	}
	d := noEntryData{
		ServerHost: edge.Issuer(r).Host(), Provider: h.Provider.Title(), Contact: h.Contact,
		Another: another, Destination: to.Destination(),
	}
	description := "this account may not enter: ask the operator of the server"
	if refusal, ok := errors.AsType[*oauth.Error](cause); ok {
		description, d.Reason = refusal.Description, refusal.Description // a fixed sentence of ours
	}
	if e, ok := errors.AsType[*identified](cause); ok {
		d.Login = e.login
	}
	d.Back = clientLink(to, append([]string{"error", string(oauth.AccessDenied), "error_description", description},
		answerOf(t)...)...)
	err = httperr.Status(http.StatusForbidden, oauth.RefuseBecause(cause, oauth.AccessDenied, description))
	return pages.Explain(err, noEntryPage, d)
}

type expiredData struct {
	Within             pages.Duration
	Again, Destination string
	Back               template.URL
	Visit              bool
}

// expired is the error of a sign-in that this browser began and did not finish in time. That
// is neither an attack nor a mistake: the page begins again with the same request, which the client
// may still be waiting for, or tells the client.
func (h *handler) expired(r *http.Request, t transaction) error {
	if t.Visit {
		return h.explainExpired(expiredData{Again: oauth.ConnectionsPath, Visit: true})
	}
	to, err := h.redirect(r, t)
	if err != nil {
		return err
	}
	return h.explainExpired(expiredData{
		Again: oauth.AuthorizePath + "?" + t.Request.query().Encode(), Destination: to.Destination(),
		Back: clientLink(to, append([]string{
			"error", string(oauth.AccessDenied), "error_description", "the sign-in took too long",
		}, answerOf(t)...)...),
	})
}

// expiredUnknown is [handler.expired] where the browser does not know the sign-in any more, or
// never did. The request is not shown: it may be another person's.
func (h *handler) expiredUnknown() error { return h.explainExpired(expiredData{}) }

func (h *handler) explainExpired(d expiredData) error {
	d.Within = pages.InWords(h.SignInTTL)
	return pages.Explain(oauth.RefuseBecause(errExpired, oauth.InvalidRequest,
		"this sign-in took too long: start again from your application"), expiredPage, d)
}
