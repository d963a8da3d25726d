package web

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

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
	return adapt(h, writeJSONError)
}

// PageErrors answers the errors of h with a page for a person, or in JSON for a
// caller who prefers that. It is for errors that must not be redirected; what may
// be, h redirects itself.
func PageErrors(h HandlerFunc) http.Handler {
	return adapt(h, writePageError)
}

// BearerErrors answers the errors of a resource with a challenge (RFC 6750 §3,
// RFC 9728 §5.1): resource_metadata is our origin with metadataPath, scope is
// what the resource needs at least. Return [ErrNoCredentials] for a request
// without a token, a refusal of invalid_token for a bad one, of invalid_request
// for a malformed one, and [NeedScope] for too little scope.
func BearerErrors(metadataPath string, scopes []string, h HandlerFunc) http.Handler {
	return adapt(h, func(w http.ResponseWriter, r *http.Request, err error) {
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

func adapt(h HandlerFunc, write func(http.ResponseWriter, *http.Request, error)) http.Handler {
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
	v := Judge(err)
	outcome, code := "refused", string(v.Code)
	switch {
	case errors.Is(err, ErrNoCredentials):
		code = "no_credentials"
	case gone(r.Context(), err):
		outcome = "gone"
	case v.Fault:
		outcome = "fault"
	}
	telemetry.Add(r.Context(), slog.String("outcome", outcome), slog.String("error", code), slog.String("cause", err.Error()))
}

func writeJSONError(w http.ResponseWriter, r *http.Request, err error) {
	v := Judge(err)
	switch {
	case v.Code == oauth.InvalidClient && v.Status == http.StatusUnauthorized && len(r.Header.Values("Authorization")) > 0:
		w.Header().Set("WWW-Authenticate", `Basic realm="postern", charset="UTF-8"`)
	case v.Code == oauth.InvalidToken && v.Status == http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", challenge("error", string(v.Code), "error_description", v.Description))
	}
	writeVerdict(w, r, v)
}

func writeBearerError(w http.ResponseWriter, r *http.Request, err error, metadataPath string, scopes []string) {
	if errors.Is(err, ErrNoCredentials) {
		w.Header().Set("WWW-Authenticate", challenge(
			"resource_metadata", Issuer(r).URL(metadataPath), "scope", strings.Join(scopes, " ")))
		writeVerdict(w, r, Verdict{Status: http.StatusUnauthorized, Description: "sign in first, see WWW-Authenticate"})
		return
	}
	v := Judge(err)
	if s, ok := errors.AsType[*scopeError](err); ok {
		scopes = s.scopes
	}
	if v.Code == oauth.InvalidToken || v.Code == oauth.InsufficientScope || v.Code == oauth.InvalidRequest {
		w.Header().Set("WWW-Authenticate", challenge(
			"error", string(v.Code), "error_description", v.Description,
			"resource_metadata", Issuer(r).URL(metadataPath), "scope", strings.Join(scopes, " ")))
	}
	writeVerdict(w, r, v)
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

func writeVerdict(w http.ResponseWriter, r *http.Request, v Verdict) {
	retryAfter(w, v.RetryAfter)
	w.Header().Set("Cache-Control", "no-store")
	_ = JSON(w, v.Status, errorBody{v.Code, v.Description, telemetry.RequestID(r.Context())})
}

func retryAfter(w http.ResponseWriter, d time.Duration) {
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
	if stateOf(r.Context()).pages {
		writePageError(w, r, err)
		return
	}
	writeJSONError(w, r, err)
}
