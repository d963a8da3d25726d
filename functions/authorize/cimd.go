package authorize

import (
	_ "embed"
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/postern-dev/postern/shared/cimd"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/strict"
)

//go:embed undescribed.html
var undescribedHTML string

var undescribedPage = pages.New("undescribed", undescribedHTML)

// cimdClient returns the CIMD client that publishes its metadata at the client_id
// (MCP 2025-11-25, Client ID Metadata Documents). Whatever can be checked without the
// document is checked first, so that a request which leads nowhere asks no other server
// (SF-11). If there is no document it writes a page that says why, and returns no client.
func (h *handler) cimdClient(w http.ResponseWriter, r *http.Request, params strict.Form) (store.Client, error) {
	id, err := cimd.ParseID(params.Get("client_id"), edge.Issuer(r))
	if err != nil {
		return store.Client{}, h.undescribed(w, r, err)
	}
	uri := params.Get("redirect_uri")
	redirect, err := policy(r).Match([]string{uri}, uri)
	if err != nil {
		return store.Client{}, err
	}
	if _, err := checkRequest(params, store.Client{ID: id.String()}, redirect, edge.Issuer(r).String()); err != nil {
		return store.Client{}, err // the redirect URI is not known to be the client's
	}
	d, err := h.Documents.Client(r.Context(), id)
	if err != nil {
		return store.Client{}, h.undescribed(w, r, err)
	}
	return store.Client{ID: id.String(), Metadata: d.Metadata, CIMD: &store.CIMDCopy{
		Name: d.Metadata.ClientName, GrantTypes: d.Metadata.GrantTypes, Digest: d.Digest,
	}}, nil
}

// publisher returns the host that a CIMD client's id proves, and whether that host
// publishes for anybody.
func publisher(r *http.Request, client store.Client) (host string, shared bool) {
	if client.CIMD == nil {
		return "", false
	}
	id, err := cimd.ParseID(client.ID, edge.Issuer(r))
	if err != nil {
		return "", true
	}
	return id.Host(), id.Shared()
}

type undescribedData struct {
	Host, Says, Retry           string
	Unreadable, Malformed, Busy bool
}

// undescribed answers a client whose document cannot be had (CIMD §4.3: no redirect). The
// person reads which host it is about and what to do (W2, G4).
func (h *handler) undescribed(w http.ResponseWriter, r *http.Request, err error) error {
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
	if pages.PrefersJSON(r) {
		return err
	}
	v := httperr.Of(err)
	edge.Note(r, err)
	if v.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(v.RetryAfter.Seconds()))))
	}
	return undescribedPage.Write(w, r, v.Status, "This application could not be looked up", undescribedData{
		Host: p.Host, Says: p.Says, Retry: retryLink(r),
		Unreadable: p.Kind == cimd.Unreadable, Malformed: p.Kind == cimd.Malformed, Busy: p.Kind == cimd.Busy,
	})
}
