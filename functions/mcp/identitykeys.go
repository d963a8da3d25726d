package mcp

import (
	"net/http"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/signing"
)

// withIdentityKeys serves the public halves of the identity ring in front of next, where
// there is a ring. They are for everybody, so they have an edge of their own that admits
// without a token.
func (c Config) withIdentityKeys(next http.Handler) http.Handler {
	if c.Identity == nil {
		return next
	}
	mux := edge.NewMux()
	mux.Handle(http.MethodGet, oauth.IdentityKeysPath, edge.JSONErrors(c.identityKeys))
	keys := edge.Wrap(mux, edge.Options{Deployment: c.Edge, Endpoint: "mcp"})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == oauth.IdentityKeysPath {
			keys.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// identityKeys serves the JWK Set. While the ring cannot be read this is a fault of ours.
func (c Config) identityKeys(w http.ResponseWriter, r *http.Request) error {
	set, err := c.Identity.Published(r.Context())
	if err != nil {
		return err
	}
	edge.NewDocument(set, "application/json", signing.KeysMaxAge).Serve(w, r)
	return nil
}
