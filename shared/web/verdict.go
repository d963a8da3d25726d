package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/postern-dev/postern/shared/oauth"
)

// A HandlerFunc answers a request, or returns the error to answer with and has
// written nothing.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// faultRetry is the Retry-After of a fault of ours.
const faultRetry = 5 * time.Second

// A Verdict is how an error leaves.
type Verdict struct {
	// Status is the HTTP status of the answer, where the way out has one.
	Status int
	Code   oauth.ErrorCode
	// Description is printable ASCII without " and \ (RFC 6749 §5.2).
	Description string
	// RetryAfter is sent in whole seconds, rounded up, if it is not zero.
	RetryAfter time.Duration
	// Fault says that the error is ours: it wakes somebody, and the client
	// should come again.
	Fault bool
}

// Judge returns how err leaves. A refusal is an [*oauth.Error] in its chain; its
// status is that of its code or the one [Status] gave it. All else is a fault of
// ours and never a verdict on a credential: 503, temporarily_unavailable.
func Judge(err error) Verdict {
	refusal, ok := errors.AsType[*oauth.Error](err)
	if !ok {
		return Verdict{
			Status: http.StatusServiceUnavailable, Code: oauth.TemporarilyUnavailable,
			Description: "the server could not answer right now, try again", RetryAfter: faultRetry, Fault: true,
		}
	}
	v := Verdict{Status: statusOf(refusal.Code), Code: refusal.Code, Description: oauth.Printable(refusal.Description)}
	v.Fault = v.Status >= 500
	if s, ok := errors.AsType[*statusError](err); ok {
		v.Status, v.RetryAfter = s.status, s.retry
		v.Fault = s.status >= 500 && !s.elsewhere
	}
	if v.Status == http.StatusServiceUnavailable && v.RetryAfter == 0 {
		v.RetryAfter = faultRetry
	}
	return v
}

// statusOf is the table of statuses (RFC 6749 §5.2, RFC 6750 §3.1, RFC 7591 §3.2.2).
func statusOf(c oauth.ErrorCode) int {
	switch c {
	case oauth.InvalidClient, oauth.InvalidToken:
		return http.StatusUnauthorized
	case oauth.AccessDenied, oauth.InsufficientScope:
		return http.StatusForbidden
	case oauth.ServerError:
		return http.StatusInternalServerError
	case oauth.TemporarilyUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// Status gives a refusal another status than its code has in the table.
func Status(status int, refusal error) error { return &statusError{error: refusal, status: status} }

// Elsewhere is a refusal because of a server that the caller named, which did not
// answer: 502 with Retry-After, and no fault of ours.
func Elsewhere(refusal error) error {
	return &statusError{error: refusal, status: http.StatusBadGateway, retry: 2 * faultRetry, elsewhere: true}
}

// TooMany is the refusal of a caller who has to wait: 429 with Retry-After.
func TooMany(wait time.Duration) error {
	return &statusError{
		error:  oauth.Refuse(oauth.TemporarilyUnavailable, "too many attempts, wait before the next one"),
		status: http.StatusTooManyRequests, retry: max(wait, time.Second),
	}
}

type statusError struct {
	error
	status    int
	retry     time.Duration
	elsewhere bool // the status is about another server
}

func (e *statusError) Unwrap() error { return e.error }

// gone reports whether err is only the end of a request whose caller left.
func gone(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled)
}
