package connections

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store"
)

// A Config is what the pages need. Everything but Resources, Look, RevocationMaxAge, Log and Now is required.
type Config struct {
	Edge     edge.Deployment
	Store    *store.Store
	Box      *seal.Box
	Provider string // what people call the identity provider

	// Resources are what programs connect to, and what grants are for.
	Resources oauth.Resources
	// Look is how pages look.
	Look pages.Look

	// Said on the page: how long an ended connection may go on, and how often one that is in use renews itself.
	RevocationMaxAge, AccessTokenTTL time.Duration

	Log *slog.Logger     // nil discards
	Now func() time.Time // nil means time.Now
}

type handler struct{ Config }

// New returns the handler of every path of the package comment. Others are 404, a page for who
// asks for one.
func New(c Config) (http.Handler, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("connections: Config.Store is nil")
	case c.Box == nil:
		return nil, errors.New("connections: Config.Box is nil")
	case c.Provider == "":
		return nil, errors.New("connections: Config.Provider is empty")
	case c.AccessTokenTTL <= 0:
		return nil, errors.New("connections: Config.AccessTokenTTL is not positive")
	}
	c.Log, c.Now = defaults.Log(c.Log), defaults.Now(c.Now)
	h := &handler{Config: c}
	mux := edge.NewMux()
	mux.Handle(http.MethodGet, "/", pages.Errors(h.front))
	mux.Handle(http.MethodGet, oauth.ConnectionsPath, pages.Errors(h.list))
	mux.Handle(http.MethodPost, oauth.ConnectionsPath, pages.Errors(h.end))
	mux.Handle(http.MethodGet, "/health", http.HandlerFunc(health))
	mux.Handle(http.MethodGet, "/robots.txt", serve(robots))
	mux.Handle(http.MethodGet, "/favicon.ico", serve(h.icon()))
	answers := edge.Answers{Headers: pages.Answers.Headers, Error: writeError}
	endpoint := edge.Wrap(mux, edge.Options{Deployment: c.Edge, Endpoint: "connections", Answers: answers})
	return pages.With(c.Look, endpoint), nil
}

// writeError answers what no handler does: programs try paths too, and read JSON.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	if edge.WantsPage(r) {
		pages.Answers.Error(w, r, err)
		return
	}
	edge.WriteJSONError(w, r, err)
}
