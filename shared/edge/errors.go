package edge

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/telemetry"
)

// errorBody is an error as JSON (RFC 6749 §5.2) with the id of the request.
type errorBody struct {
	Error       oauth.ErrorCode `json:"error,omitempty"`
	Description string          `json:"error_description,omitempty"`
	RequestID   string          `json:"request_id,omitempty"`
}

// JSONErrors answers the errors of h in JSON (RFC 6749 §5.2, RFC 7591 §3.2.2).
// invalid_client to a caller who used the Authorization header carries a Basic
// challenge, and invalid_token a Bearer one.
func JSONErrors(h HandlerFunc) http.Handler {
	return Answering(h, WriteJSONError)
}

// BearerErrors answers the errors of a resource with a challenge (RFC 6750 §3,
// RFC 9728 §5.1): resource_metadata is our origin with metadataPath, scope is
// what the resource needs at least. Return [ErrNoCredentials] for a request
// without a token, a refusal of invalid_token for a bad one, of invalid_request
// for a malformed one, and [NeedScope] for too little scope.
func BearerErrors(metadataPath string, scopes []string, h HandlerFunc) http.Handler {
	return Answering(h, func(w http.ResponseWriter, r *http.Request, err error) {
		writeBearerError(w, r, err, metadataPath, scopes)
	})
}

// ErrNoCredentials answers 401 with a challenge that names no error (RFC 6750
// §3.1: "SHOULD NOT include an error code").
var ErrNoCredentials = errors.New("no credentials")

// NeedScope refuses a token that lacks scope, naming every scope that the
// operation needs, so that one step-up is enough.
func NeedScope(scopes ...string) error {
	return &scopeError{
		error:  oauth.Refuse(oauth.InsufficientScope, "the token lacks scope, this needs: "+strings.Join(scopes, " ")),
		scopes: scopes,
	}
}

type scopeError struct {
	error
	scopes []string
}

func (e *scopeError) Unwrap() error { return e.error }

// A HandlerFunc answers a request, or returns the error to answer with and has written
// nothing.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// Answering answers the errors of h by write, and puts them on the request's line.
func Answering(h HandlerFunc, write func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			Note(r, err)
			if !started(w) {
				write(w, r, err)
			}
		}
	})
}

// Note puts an error on the request's line. The edge is the only place that
// logs one.
func Note(r *http.Request, err error) {
	outcome, code := OutcomeOf(r.Context(), err)
	telemetry.Add(r.Context(),
		slog.String("outcome", outcome), slog.String("error", code), slog.String("cause", err.Error()))
}

// OutcomeOf names the end of a request with an error, and the error, for its line:
// "refused", "gone" for a caller who left, or "fault".
func OutcomeOf(ctx context.Context, err error) (outcome, code string) {
	a := httperr.Of(err)
	switch {
	case errors.Is(err, ErrNoCredentials):
		return "refused", "no_credentials"
	case gone(ctx, err):
		return "gone", string(a.Code)
	case a.Fault:
		return "fault", string(a.Code)
	}
	return "refused", string(a.Code)
}

// WriteJSONError answers with err in JSON, as [JSONErrors] does.
func WriteJSONError(w http.ResponseWriter, r *http.Request, err error) {
	a := httperr.Of(err)
	switch {
	case a.Status != http.StatusUnauthorized:
	case a.Code == oauth.InvalidClient && len(r.Header.Values("Authorization")) > 0:
		w.Header().Set("WWW-Authenticate", `Basic realm="postern", charset="UTF-8"`)
	case a.Code == oauth.InvalidToken:
		w.Header().Set("WWW-Authenticate", challenge("error", string(a.Code), "error_description", a.Description))
	}
	WriteAnswer(w, r, a)
}

func writeBearerError(w http.ResponseWriter, r *http.Request, err error, metadataPath string, scopes []string) {
	if errors.Is(err, ErrNoCredentials) {
		w.Header().Set("WWW-Authenticate", challenge(
			"resource_metadata", Issuer(r).URL(metadataPath), "scope", strings.Join(scopes, " ")))
		WriteAnswer(w, r, httperr.Answer{
			Status: http.StatusUnauthorized, Description: "sign in first, see WWW-Authenticate",
		})
		return
	}
	a := httperr.Of(err)
	if s, ok := errors.AsType[*scopeError](err); ok {
		scopes = s.scopes
	}
	if a.Code == oauth.InvalidToken || a.Code == oauth.InsufficientScope || a.Code == oauth.InvalidRequest {
		w.Header().Set("WWW-Authenticate", challenge(
			"error", string(a.Code), "error_description", a.Description,
			"resource_metadata", Issuer(r).URL(metadataPath), "scope", strings.Join(scopes, " ")))
	}
	WriteAnswer(w, r, a)
}

// challenge builds a Bearer challenge of name-value pairs, each once, each
// quoted, without the empty ones.
func challenge(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(pairs[i] + `="` + oauth.Printable(pairs[i+1]) + `"`)
	}
	return "Bearer " + b.String()
}

// WriteAnswer answers in JSON.
func WriteAnswer(w http.ResponseWriter, r *http.Request, a httperr.Answer) {
	RetryAfter(w, a.RetryAfter)
	w.Header().Set("Cache-Control", "no-store")
	_ = JSON(w, a.Status, errorBody{a.Code, a.Description, telemetry.RequestID(r.Context())})
}

// RetryAfter sets the header of that name, in whole seconds rounded up, if d is not zero.
func RetryAfter(w http.ResponseWriter, d time.Duration) {
	if d > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds()))))
	}
}

// fail answers an error that arose before a handler was reached, in the way of
// the endpoint.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	Note(r, err)
	if started(w) {
		return
	}
	if write := stateOf(r.Context()).answers.Error; write != nil {
		write(w, r, err)
		return
	}
	WriteJSONError(w, r, err)
}

// gone reports whether err is only the end of a request whose caller left.
func gone(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled)
}
