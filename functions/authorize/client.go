package authorize

import (
	"errors"
	"net/http"

	"github.com/postern-dev/postern/shared/cimd"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
)

// A client is who asks: registered here, or described by a document that it publishes.
type client struct {
	store.Client

	// Of a CIMD client, else zero:
	publisher cimd.ID
	copied    *store.CIMDCopy // what it published, for the rest of the sign-in
}

// client looks up who sent req. Invalid is what is wrong with req besides; nil if nothing
// is. A client that is not there is an error that brings its page.
func (h *handler) client(r *http.Request, req request, invalid error) (client, error) {
	switch {
	case req.ClientID == "":
		return client{}, oauth.Refuse(oauth.InvalidRequest, "client_id is missing")
	case cimd.IsURL(req.ClientID):
		return h.cimdClient(r, req, invalid)
	}
	registered, err := h.Store.Client(r.Context(), req.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		return client{}, unknownClient(r)
	}
	return client{Client: registered}, err
}

// cimdClient returns the client that publishes its metadata at the client_id (MCP
// 2025-11-25, Client ID Metadata Documents). Whatever can be checked without the document
// is checked first, so that a request which leads nowhere asks no other server (SF-11).
// The client is not told what is wrong: the redirect URI is not known to be its own yet.
func (h *handler) cimdClient(r *http.Request, req request, invalid error) (client, error) {
	id, err := cimd.ParseID(req.ClientID, edge.Issuer(r))
	if err != nil {
		return client{}, undescribed(r, err)
	}
	if err := h.policy(r).CheckRequested(req.RedirectURI); err != nil {
		return client{}, err
	}
	if invalid != nil {
		return client{}, invalid
	}
	d, err := h.Documents.Client(r.Context(), id, edge.ClientKey(r))
	if err != nil {
		return client{}, undescribed(r, err)
	}
	return client{
		Client:    store.Client{ID: id.String(), Metadata: d.Metadata},
		publisher: id,
		copied:    &store.CIMDCopy{Name: d.Metadata.ClientName, GrantTypes: d.Metadata.GrantTypes, Digest: d.Digest},
	}, nil
}

// noteCompleted has the document of a CIMD client remembered before those that strangers
// have us read.
func (h *handler) noteCompleted(r *http.Request, t transaction) {
	if t.Request.CIMD == nil {
		return
	}
	if id, err := cimd.ParseID(t.Request.ClientID, edge.Issuer(r)); err == nil {
		h.Documents.Completed(id)
	}
}
