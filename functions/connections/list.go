package connections

import (
	"context"
	_ "embed"
	"net/http"
	"slices"
	"time"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/session"
	"github.com/postern-dev/postern/shared/store"
)

//go:embed sign_in.html
var signInHTML string

//go:embed list.html
var listHTML string

var (
	signInPage = pages.New("connections-sign-in", signInHTML)
	listPage   = pages.New("connections", listHTML)
)

type signInData struct {
	ServerHost, Provider string
	Within               pages.Duration // how long the session is going to last
	Over                 bool           // it was, and something was asked of it
}

// listData is what a person sees of their own grants.
type listData struct {
	ServerHost, Provider, Login string
	Token                       string // of the form
	Live, Ended                 []connection
	More                        int            // live ones that are not shown
	Within, Renewed             pages.Duration // RevocationMaxAge, AccessTokenTTL
}

// A connection is a grant as its person sees it. Name is what the client calls itself; Destination
// is what was proved of where its code went, empty for a grant from before that was kept.
type connection struct {
	Document, Name, Destination string
	Loopback, PrivateUse        bool
	Server                      string // which of several; empty if there is one
	Scopes                      []scope
	Started, Used, Until        string
	Ended                       string // when, if it was ended before its time

	used time.Time
}

// A scope is what one lets a client do: in the server's own words, or in those of its operator.
type scope struct {
	Own   bool
	Words string
}

// Limits of the page, which stays small: the newest connections, and what ended lately.
const (
	maxShown    = 10
	maxEnded    = 5
	endedLately = 24 * time.Hour
)

// list shows a person's connections, or the way to sign in.
func (h *handler) list(w http.ResponseWriter, r *http.Request) error {
	s, ok, err := session.Of(r, h.Box, h.Now())
	if err != nil {
		return err
	}
	if !ok {
		return h.showSignIn(w, r, http.StatusOK, false)
	}
	d, err := h.connectionsOf(r, s)
	if err != nil {
		return err
	}
	return listPage.Write(w, r, http.StatusOK, d)
}

func (h *handler) showSignIn(w http.ResponseWriter, r *http.Request, status int, over bool) error {
	return signInPage.Write(w, r, status, signInData{
		ServerHost: edge.Issuer(r).Host(), Provider: h.Provider,
		Within: pages.InWords(session.Life), Over: over,
	})
}

func (h *handler) connectionsOf(r *http.Request, s session.Session) (listData, error) {
	d := listData{
		ServerHost: edge.Issuer(r).Host(), Provider: h.Provider, Login: s.Login, Token: s.Token(),
		Within: pages.InWords(h.RevocationMaxAge), Renewed: pages.InWords(h.AccessTokenTTL),
	}
	issuer := edge.Issuer(r).String()
	for g, err := range h.grantsOf(r.Context(), s.Subject) {
		switch {
		case err != nil:
			return d, err
		case h.lives(g):
			d.Live = append(d.Live, h.connection(g, issuer))
		case !g.Revoked.IsZero() && h.Now().Sub(g.Revoked) < endedLately:
			d.Ended = append(d.Ended, h.connection(g, issuer))
		}
	}
	newest := func(a, b connection) int { return b.used.Compare(a.used) }
	slices.SortFunc(d.Live, newest)
	slices.SortFunc(d.Ended, newest)
	d.More = max(0, len(d.Live)-maxShown)
	d.Live = d.Live[:min(len(d.Live), maxShown)]
	d.Ended = d.Ended[:min(len(d.Ended), maxEnded)]
	return d, nil
}

// grantsOf returns the grants of a person. One that cannot be opened is left out, with an alarm of the
// store's: nobody can use it.
func (h *handler) grantsOf(ctx context.Context, subject string) func(func(store.Grant, error) bool) {
	return func(yield func(store.Grant, error) bool) {
		for g, err := range h.Store.GrantsOfPerson(ctx, store.PersonDocument(subject)) {
			if store.Unreadable(err) {
				continue
			}
			if !yield(g, err) {
				return
			}
		}
	}
}

// lives reports whether a client still has access by a grant.
func (h *handler) lives(g store.Grant) bool { return !g.Ended(h.Now()) && h.Now().Before(h.until(g)) }

// until is when a grant ends that is not used: with its one access token, if it has no refresh token.
func (h *handler) until(g store.Grant) time.Time {
	if g.Refresh == nil {
		return g.Started.Add(h.AccessTokenTTL)
	}
	return g.Expiry
}

func (h *handler) connection(g store.Grant, issuer string) connection {
	c := connection{
		Document: store.GrantDocument(g.ID), Name: g.ClientName, Started: inUTC(g.Started), Until: inUTC(h.until(g)),
		used: g.Started,
	}
	if c.Name == g.ClientID {
		c.Name = "" // it gave none
	}
	if g.Refreshed.After(c.used) {
		c.used = g.Refreshed
	}
	c.Used = inUTC(c.used)
	if !g.Revoked.IsZero() {
		c.Ended, c.used = inUTC(g.Revoked), g.Revoked
	}
	if redirect, err := (oauth.RedirectPolicy{}).Match([]string{g.RedirectURI}, g.RedirectURI); err == nil {
		c.Destination, c.Loopback, c.PrivateUse = redirect.Destination(), redirect.Loopback(), redirect.PrivateUse()
	}
	resource, known := h.Resources.Of(g.Resource, issuer)
	if known && len(h.Resources.All()) > 1 {
		c.Server = resource.Title
	}
	for _, s := range g.Scopes {
		c.Scopes = append(c.Scopes, scope{Own: s == oauth.ScopeMCP, Words: resource.Scopes.Words(s)})
	}
	return c
}

// inUTC is a time as every language reads it.
func inUTC(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }
