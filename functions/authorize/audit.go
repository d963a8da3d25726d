package authorize

import (
	"log/slog"
	"net/http"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
)

// bindingFailed puts on record that a form or a callback did not come from the browser that
// was asked. The client is empty where nobody can say whose transaction it was.
func (h *handler) bindingFailed(r *http.Request, clientID, reason string) {
	telemetry.Audit(r.Context(), h.Log, telemetry.SignInBindingFailed,
		slog.String("client_id", clientID), slog.String("reason", reason))
}

func clientField(t transaction) slog.Attr { return slog.String("client_id", t.Request.ClientID) }

func personField(subject string) slog.Attr {
	return slog.String("person", store.PersonDocument(subject))
}

// approvalFields say what was approved: for a CIMD client, by which of its documents.
func approvalFields(t transaction) []slog.Attr {
	fields := []slog.Attr{clientField(t), slog.String("scope", t.Request.Scopes.String())}
	if p := t.Request.CIMD; p != nil {
		fields = append(fields, slog.String("document", p.Digest))
	}
	return fields
}
