package token

import (
	"context"
	"log/slog"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
)

// audit writes the line of something that happened to a grant of a client.
func (h *handler) audit(ctx context.Context, event telemetry.Event, clientID, grantID string) {
	telemetry.Audit(ctx, h.Log, event, slog.String("client_id", clientID), grantField(grantID))
}

// auditReplay writes the line of a code that came again, and of the grant that this ended.
func (h *handler) auditReplay(ctx context.Context, clientID, grantID string) {
	h.audit(ctx, telemetry.CodeReplayed, clientID, grantID)
	if grantID != "" {
		h.auditEnd(ctx, clientID, grantID, "server", "code replayed")
	}
}

// auditReuse writes the line of a refresh token that came out of grace, and of the grant
// that this ended.
func (h *handler) auditReuse(ctx context.Context, clientID, grantID string) {
	h.audit(ctx, telemetry.RefreshReused, clientID, grantID)
	h.auditEnd(ctx, clientID, grantID, "server", "refresh token reused")
}

// auditForwarded writes the line of a grant whose record was older than its refresh token.
func (h *handler) auditForwarded(ctx context.Context, clientID string, r store.Rotation) {
	telemetry.Audit(ctx, h.Log, telemetry.RefreshFastForwarded,
		slog.String("client_id", clientID), grantField(r.Grant.ID),
		slog.Uint64("generations", uint64(r.Forwarded)))
}

// auditEnd writes the line of a grant that ended before its time, whoever ended it.
func (h *handler) auditEnd(ctx context.Context, clientID, grantID, by, reason string) {
	telemetry.Audit(ctx, h.Log, telemetry.GrantRevoked, slog.String("client_id", clientID), grantField(grantID),
		slog.String("by", by), slog.String("reason", reason))
}

// auditEntry writes the line of what was learnt, or could not be, about whether a grant's
// person may still enter.
func (h *handler) auditEntry(ctx context.Context, e telemetry.Event, g store.Grant, cause error, more ...slog.Attr) {
	telemetry.Audit(ctx, h.Log, e, append([]slog.Attr{
		slog.String("client_id", g.ClientID), grantField(g.ID),
		slog.String("person", store.PersonDocument(g.Person.Subject)), slog.String("reason", cause.Error()),
	}, more...)...)
}

func grantField(id string) slog.Attr {
	if id == "" {
		return slog.Attr{} // left out
	}
	return slog.String("grant", store.GrantDocument(id))
}
