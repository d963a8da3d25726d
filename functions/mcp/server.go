package mcp

import (
	"errors"
	"net/http"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/store"
)

// serveParts makes the parts and the SDK's handler. Servers hold nothing of any
// caller; the SDK makes a session per request and drops it (MP-05, MOD-01).
func (h *handler) serveParts(deps Deps) error {
	var err error
	h.catalogue, err = newCatalogue(h.about, deps, h.Scopes)
	one := func(r *http.Request) *sdk.Server {
		who, ok := r.Context().Value(admittedContext{}).(*admitted)
		if !ok || who.view == nil {
			return nil // which the SDK answers with 400
		}
		return who.view.server
	}
	h.sdk = withToken(sdk.NewStreamableHTTPHandler(one, &sdk.StreamableHTTPOptions{
		Stateless: true, PropagateRequestCancellation: true, MaxRequestBodyBytes: maxBody,
		DisableLocalhostProtection: true, // checkAddress knows about gateways
	}))
	return err
}

// ended reports whether an error of a look says that the grant is over.
func ended(err error) bool { return errors.Is(err, store.ErrNotFound) }
