package register

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/limit"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
)

// maxBody is the largest registration in bytes.
const maxBody = 16 << 10

// A source may register registrationBurst clients at once and one more every
// registrationEvery. Whole offices and the clients that run in a data centre share an
// address, so this is far above what they need and stops only a flood.
const (
	registrationBurst = 60
	registrationEvery = time.Second
	rememberedSources = 10_000
)

// A Config is what the registration endpoint needs. Store is required.
type Config struct {
	Edge  edge.Deployment
	Store *store.Store

	// Schemes are the private-use schemes of redirect URIs that are taken.
	Schemes oauth.Schemes
	// Resources are what there is to ask for; a registration says which scopes it will.
	Resources oauth.Resources

	Log *slog.Logger     // nil discards
	Now func() time.Time // nil means time.Now
}

type handler struct {
	Config
	limiter *limit.Limiter
}

// New returns the registration endpoint and the management of its clients.
func New(c Config) (http.Handler, error) {
	if c.Store == nil {
		return nil, errors.New("register: Config.Store is nil")
	}
	c.Log, c.Now = defaults.Log(c.Log), defaults.Now(c.Now)
	h := &handler{Config: c, limiter: limit.New(limit.Options{
		Burst: registrationBurst, Every: registrationEvery, MaxKeys: rememberedSources, Now: c.Now,
	})}
	const client = oauth.RegisterPath + "/{client_id}"
	mux := edge.NewMux()
	mux.Handle(http.MethodPost, oauth.RegisterPath, edge.JSONErrors(h.register))
	mux.Handle(http.MethodGet, client, edge.JSONErrors(h.read))
	mux.Handle(http.MethodPut, client, edge.JSONErrors(h.replace))
	mux.Handle(http.MethodDelete, client, edge.JSONErrors(h.delete))
	return edge.Wrap(mux, edge.Options{Deployment: c.Edge, Endpoint: "register", MaxBody: maxBody}), nil
}

func (h *handler) policy(r *http.Request) oauth.RedirectPolicy {
	return oauth.RedirectPolicy{Issuer: edge.Issuer(r).String(), Schemes: h.Schemes, Scopes: h.Resources.Scopes()}
}

// clientField names a registered client in the log. Its id is random and no secret.
func clientField(clientID string) slog.Attr { return slog.String("client_id", clientID) }

// noteClient puts on the request's line which client it was about, given how looking it
// up and what followed ended. A text that is not the id of a client is not kept: it may be a
// secret in the wrong place (LG-01). After a fault nobody knows which it is.
func noteClient(r *http.Request, id string, err error) {
	_, refused := errors.AsType[*oauth.Error](err)
	switch {
	case errors.Is(err, store.ErrNotFound):
		telemetry.Add(r.Context(), clientField("unknown"))
	case err == nil, refused, errors.Is(err, errWrongToken):
		telemetry.Add(r.Context(), clientField(id))
	}
}
