package authorize

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/postern-dev/postern/shared/about"
	"github.com/postern-dev/postern/shared/cimd"
	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
)

// A Config is what the authorization endpoint needs. Everything but Schemes,
// OfflineAccess, Documents, Look, Contact, Now and Log is required.
type Config struct {
	Edge     edge.Deployment
	Store    *store.Store
	Box      *seal.Box
	Provider upstream.Provider
	Allow    upstream.Allow
	// Groups are looked up for whom Allow lets in.
	Groups upstream.Groups

	// Schemes are the private-use schemes of redirect URIs that are taken.
	Schemes oauth.Schemes

	// Resources are what there is to ask for.
	Resources oauth.Resources

	// OfflineAccess gives a client that is not registered for refresh tokens one when it
	// asks for offline_access.
	OfflineAccess bool

	// Documents reads what clients publish of themselves; nil takes registered ones alone.
	Documents *cimd.Fetcher

	// Look is how pages look.
	Look pages.Look
	// Contact is whom people ask who were not let in; zero means Look.Support.
	Contact about.Contact

	CodeTTL   time.Duration // how long a code lives: 60s by default
	SignInTTL time.Duration // how long a person may take from page to callback

	// Shown on the page: how long a client may go unused, and how long it has access that is
	// given no refresh token.
	GrantTTL, AccessTokenTTL time.Duration
	// EvidenceMaxAge is shown too: how long the answer of a sign-in may hold where the provider
	// gives nothing to ask with again. Zero says nothing.
	EvidenceMaxAge time.Duration

	Log *slog.Logger     // nil discards
	Now func() time.Time // nil means time.Now
}

type handler struct{ Config }

// New returns the authorization endpoint, /authorize, the way to a person's own page, and for
// both the way back from the identity provider.
func New(c Config) (http.Handler, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("authorize: Config.Store is nil")
	case c.Box == nil:
		return nil, errors.New("authorize: Config.Box is nil")
	case c.Provider == nil:
		return nil, errors.New("authorize: Config.Provider is nil")
	case len(c.Allow.Rules()) == 0:
		return nil, errors.New("authorize: Config.Allow lets nobody in")
	case min(c.CodeTTL, c.SignInTTL, c.GrantTTL, c.AccessTokenTTL) <= 0:
		return nil, errors.New("authorize: Config has a lifetime that is not positive")
	}
	c.Log, c.Now = defaults.Log(c.Log), defaults.Now(c.Now)
	if c.Contact == (about.Contact{}) {
		c.Contact = c.Look.Support
	}
	h := &handler{Config: c}
	mux := edge.NewMux()
	mux.Handle(http.MethodGet, oauth.AuthorizePath, pages.Errors(h.authorize))
	mux.Handle(http.MethodPost, oauth.AuthorizePath, pages.Errors(h.decide))
	mux.Handle(http.MethodGet, oauth.VisitPath, http.HandlerFunc(toConnections))
	mux.Handle(http.MethodPost, oauth.VisitPath, pages.Errors(h.visit))
	mux.Handle(http.MethodGet, oauth.CallbackPath, pages.Errors(h.callbackGet))
	mux.Handle(http.MethodPost, oauth.CallbackPath, pages.Errors(h.callbackPost))
	mux.Handle(http.MethodPost, oauth.SignOutPath, edge.JSONErrors(h.signedOut))
	endpoint := edge.Wrap(mux, edge.Options{Deployment: c.Edge, Endpoint: "authorize", Answers: pages.Answers})
	return pages.With(c.Look, endpoint), nil
}
