package mcp

import (
	"net/http"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
)

// checkOrigin keeps web pages out of a server on plain http, which is one on a
// developer's machine: a page whose own name was pointed at a loopback address (DNS
// rebinding) says where it is from, and must be ours or of this machine, as MCP Inspector
// on its local port is (MCP, Security; MP-01, TRN-02). The edge looks at Host.
//
// Over https every origin may call, extensions and sandboxed pages ("null") among them:
// the page's name would have to be in the certificate, and the credential is a token that
// a page has to have, and no cookie.
func checkOrigin(r *http.Request) error {
	issuer, sent := edge.Issuer(r), r.Header.Get("Origin")
	if issuer.Secure() || sent == "" || sent == issuer.String() {
		return nil
	}
	if o, err := origin.Parse(sent); err == nil && o.IsLoopback() {
		return nil
	}
	return httperr.Status(http.StatusForbidden, oauth.Refuse(oauth.AccessDenied,
		"a server on plain http answers pages of this machine alone"))
}
