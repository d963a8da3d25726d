package mcp

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/identity"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/recent"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
)

// maxBody is the largest message (HT-06), in bytes. The gateway lets 32 MB through.
const maxBody = 1 << 20

// maxDocuments bounds the names of grants and people that are kept for the log, in tokens.
const maxDocuments = 1024

// A Config is what the MCP endpoints need. Everything but Identity, Scopes, Endpoints,
// ServerName, Describe, Check, Log and Now is required.
type Config struct {
	Edge     edge.Deployment
	Verifier *accesstoken.Verifier
	Store    *store.Store
	Provider upstream.Provider
	Allow    upstream.Allow
	Box      *seal.Box // for state that clients send back

	// RevocationMaxAge is how long /mcp may go without looking whether a grant
	// still lives; 0 looks on every request.
	RevocationMaxAge time.Duration

	// Identity tells upstream servers who calls. Nil publishes no keys.
	Identity *identity.Signer

	// Scopes are what the authorization server knows. A part that asks for another could
	// never be used, so that it is one that cannot be made. Nil knows every scope.
	Scopes *oauth.ScopeSet

	// Endpoints are the resources that are served. None means /mcp with what Describe says.
	Endpoints []Endpoint

	// ServerName is what the server is called where its parts' author does not say.
	ServerName string
	// Describe says what is served; nil means [Builtin].
	Describe func(Deps) Server
	// Check makes every part at start, and a part that cannot be made stops it. Without it
	// parts are made for the first caller, so that a cold instance answers the first 401,
	// the challenge, sooner; a part that cannot be made is then left out, and logged.
	Check bool

	Log *slog.Logger     // nil discards
	Now func() time.Time // nil means time.Now
}

// An Endpoint is a resource and what is there.
type Endpoint struct {
	oauth.Resource
	// Upstream is an MCP server behind this one, which then has all there is to call. Nil
	// serves what Describe says.
	Upstream *Upstream
}

// A handler serves one endpoint.
type handler struct {
	Config
	Endpoint
	grants   *liveness // of all endpoints
	underway *underway // at all endpoints

	documents *recent.Cache[string, [2]slog.Attr] // by the id of a token; see documentsOf

	about    Server
	versions []string // of MCP, that it has

	// Set by serveParts, once, before the first call that has a token.
	parts     func() error
	loud      sync.Once // their problems are logged once
	catalogue *catalogue
	names     nameSet // of what was called
}

// New returns the MCP endpoints, /mcp and those below it, and beside them the keys by which
// upstream servers know what comes from here.
func New(c Config) (http.Handler, error) {
	switch {
	case c.Verifier == nil:
		return nil, errors.New("mcp: Config.Verifier is nil")
	case c.Store == nil:
		return nil, errors.New("mcp: Config.Store is nil")
	case c.Provider == nil:
		return nil, errors.New("mcp: Config.Provider is nil")
	case len(c.Allow.Rules()) == 0:
		return nil, errors.New("mcp: Config.Allow lets nobody in")
	case c.Box == nil:
		return nil, errors.New("mcp: Config.Box is nil")
	case c.RevocationMaxAge < 0:
		return nil, errors.New("mcp: Config.RevocationMaxAge is negative")
	case c.Describe != nil && len(c.Endpoints) > 0 && !slices.ContainsFunc(c.Endpoints, Endpoint.describes):
		return nil, errors.New("mcp: Config.Describe has no Endpoint without an Upstream")
	}
	for _, e := range c.Endpoints {
		if err := e.Upstream.check(c); err != nil {
			return nil, err
		}
	}
	c.Log, c.Now = defaults.Log(c.Log), defaults.Now(c.Now)
	if len(c.Endpoints) == 0 {
		c.Endpoints = []Endpoint{{Resource: oauth.Resources{}.All()[0]}}
	}
	return c.open()
}

func (e Endpoint) describes() bool { return e.Upstream == nil }

// open returns every endpoint at its path. What is nowhere is answered by the first.
func (c Config) open() (http.Handler, error) {
	grants, all := newLiveness(c.Store, c.RevocationMaxAge, c.Now), new(underway)
	at := map[string]http.Handler{}
	for _, e := range c.Endpoints {
		h := &handler{
			Config: c, Endpoint: e, grants: grants, underway: all,
			documents: recent.New[string, [2]slog.Attr](maxDocuments),
		}
		if e.describes() {
			if err := h.describe(); err != nil {
				return nil, err
			}
		}
		at[e.Path] = edge.Wrap(h.routes(), edge.Options{
			Deployment: c.Edge, Endpoint: "mcp", MaxBody: maxBody, Before: h.admit,
			Answers: edge.Answers{Error: writeError},
		})
	}
	return c.withIdentityKeys(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		endpoint, ok := at[strings.TrimSuffix(r.URL.Path, "/")]
		if !ok {
			endpoint = at[c.Endpoints[0].Path]
		}
		endpoint.ServeHTTP(w, r)
	})), nil
}

// describe asks what is served, and makes it if that is to be checked.
func (h *handler) describe() (err error) {
	if h.Describe == nil {
		h.Describe, h.ServerName = Builtin, cmp.Or(h.ServerName, "Postern")
	}
	deps := h.deps()
	if h.about, err = describe(h.Describe, deps); err != nil {
		return err
	}
	h.about.Title, h.versions = cmp.Or(h.about.Title, h.ServerName), h.about.revisions()
	h.parts = sync.OnceValue(func() error { return h.serveParts(deps) })
	if h.Check {
		return h.parts()
	}
	return nil
}

// errorsOf answers the errors of serve in OAuth's way.
func (h *handler) errorsOf(serve edge.HandlerFunc) http.Handler {
	return edge.BearerErrors(h.MetadataPath(), []string{oauth.ScopeMCP}, serve)
}

// routes lists every method that the gateway lets through, so that a caller without a
// token meets the challenge whatever it tries first (E3, W4). OPTIONS is the mux's: a
// preflight carries no token (CHL-13).
func (h *handler) routes() *edge.Mux {
	mux := edge.NewMux()
	endpoint := h.errorsOf(h.serve)
	methods := []string{http.MethodGet, http.MethodPost, http.MethodDelete, http.MethodPut, http.MethodPatch}
	for _, path := range []string{h.Path, h.Path + "/"} { // a gateway may add the slash
		for _, method := range methods {
			mux.Handle(method, path, endpoint)
		}
	}
	return mux
}

// admit is the part of the pipeline that needs no body, and so is over before one is
// read (MP-11): a caller without a token costs no more than the headers.
func (h *handler) admit(next http.Handler) http.Handler {
	return h.errorsOf(func(w http.ResponseWriter, r *http.Request) error {
		if err := checkOrigin(r); err != nil {
			return err
		}
		caller, err := h.authenticate(r)
		if errors.Is(err, edge.ErrNoCredentials) && opened(r) {
			toFrontDoor(w)
			return nil
		}
		if err != nil {
			return err
		}
		if !caller.Scopes.Contains(oauth.ScopeMCP) {
			return edge.NeedScope(oauth.ScopeMCP)
		}
		if err := h.underway.enter(caller.Person.Subject); err != nil {
			return err
		}
		defer h.underway.leave(caller.Person.Subject)
		who := &admitted{caller: caller}
		who.Context, who.cancel = context.WithCancelCause(r.Context())
		defer who.cancel(nil)
		next.ServeHTTP(w, r.WithContext(who))
		return nil
	})
}

// serve is the rest of the pipeline, for a caller whom admit let in.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) error {
	who, ok := r.Context().Value(admittedContext{}).(*admitted)
	if !ok {
		return edge.ErrNoCredentials
	}
	caller := &who.caller
	if h.Upstream != nil {
		return h.forward(w, r, caller)
	}
	if r.Method != http.MethodPost {
		return onlyPost(w, r)
	}
	who.view = h.view(caller)
	msg, problem := readMessage(r, h.versions)
	if problem != nil {
		return problem.write(w, r)
	}
	return h.watch(w, r, msg).run(func(w http.ResponseWriter, r *http.Request) error {
		if len(msg.calls) == 0 {
			w.WriteHeader(http.StatusAccepted) // notifications are not answered (TRN-04)
			return nil
		}
		if err := who.view.checkScopes(caller, msg); err != nil {
			return err
		}
		return h.dispatch(w, r, who, msg)
	})
}

// view returns what a caller may see.
func (h *handler) view(caller *Caller) *view {
	h.loud.Do(func() { logProblems(h.Log, h.parts()) })
	return h.catalogue.of(caller)
}
