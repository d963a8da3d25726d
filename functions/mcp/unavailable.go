package mcp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/postern-dev/postern/shared/telemetry"
)

// An Unavailable is the error of a part that speaks for a server behind this one, when that
// server cannot answer. The caller reads Text in an error of JSON-RPC, with Status where the
// answer is one request's and nothing of it was sent yet. The request's line has both.
type Unavailable struct {
	Status int // 502 or 504, as a gateway answers (RFC 9110 §15.6); 503 for a limit of ours
	Text   string
}

// Error returns the text.
func (u *Unavailable) Error() string { return u.Text }

// causeKey is the field of a request's line that says why it failed. Of an [Unavailable] it
// holds the error itself.
const causeKey = "cause"

// wire notes why there is no answer, and returns the error as the caller reads it.
func (u *Unavailable) wire(ctx context.Context) error {
	telemetry.Add(ctx, slog.String("outcome", outcomeFault), slog.Any(causeKey, u))
	return &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: u.Text}
}

// statusOf is the status of one answer in JSON: 200, unless the server behind is unavailable.
func statusOf(ctx context.Context) int {
	if telemetry.Field(ctx, "outcome") != outcomeFault {
		return http.StatusOK
	}
	for _, field := range telemetry.Fields(ctx) {
		if err, ok := field.Value.Any().(error); ok && field.Key == causeKey {
			if u, ok := errors.AsType[*Unavailable](err); ok {
				return u.Status
			}
		}
	}
	return http.StatusOK
}
