package register

import (
	"encoding/json"
	"net/http"

	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/strict"
)

// readMetadata reads what a client says of itself from the body of r, as far as it counts
// under the policy, and other members of the body into more. Members that only we may set,
// such as client_id, are ignored like unknown ones. Whatever is wrong with the body is
// invalid_client_metadata (RFC 7591 §3.2.2).
func readMetadata(r *http.Request, p oauth.RedirectPolicy, more ...any) (oauth.ClientMetadata, error) {
	var m oauth.ClientMetadata
	var text json.RawMessage
	if err := strict.ReadJSON(r, &text); err != nil {
		v := httperr.Of(err)
		return m, httperr.Status(v.Status, oauth.Refuse(oauth.InvalidClientMetadata, "%s", v.Description))
	}
	for _, dst := range append(more, &m) {
		if err := strict.DecodeJSON(text, dst, strict.IgnoreUnknown); err != nil {
			return m, oauth.Refuse(oauth.InvalidClientMetadata, "the body: %s", err)
		}
	}
	return m.Accepted(p)
}
