// Package httperr says how an error leaves over HTTP: its status, what the caller is told,
// and when to come again. A refusal is an [*oauth.Error]; everything else is a fault of ours
// and never a verdict on a credential.
package httperr

import (
	"errors"
	"net/http"
	"time"

	"github.com/postern-dev/postern/shared/oauth"
)

// faultRetry is the Retry-After of a fault of ours.
const faultRetry = 5 * time.Second

// An Answer is how an error leaves.
type Answer struct {
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

// Of returns how err leaves. A refusal is an [*oauth.Error] in its chain; its
// status is that of its code or the one [Status] gave it. All else is a fault of
// ours and never a verdict on a credential: 503, temporarily_unavailable.
func Of(err error) Answer {
	refusal, ok := errors.AsType[*oauth.Error](err)
	if !ok {
		return Answer{
			Status: http.StatusServiceUnavailable, Code: oauth.TemporarilyUnavailable,
			Description: "the server could not answer right now, try again", RetryAfter: faultRetry, Fault: true,
		}
	}
	a := Answer{Status: statusOf(refusal.Code), Code: refusal.Code, Description: oauth.Printable(refusal.Description)}
	a.Fault = a.Status >= 500
	if s, ok := errors.AsType[*statusError](err); ok {
		a.Status, a.RetryAfter = s.status, s.retry
		a.Fault = s.status >= 500 && !s.theirs
	}
	if a.Status == http.StatusServiceUnavailable && a.RetryAfter == 0 {
		a.RetryAfter = faultRetry
	}
	return a
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

// Unreachable is a refusal because of a server that the caller named, which did not
// answer: 502 with Retry-After, and not a fault of ours.
func Unreachable(refusal error) error {
	return &statusError{error: refusal, status: http.StatusBadGateway, retry: 2 * faultRetry, theirs: true}
}

// TooMany is the refusal of a caller who tried too often.
func TooMany(wait time.Duration) error {
	return Wait(wait, "too many attempts, wait before the next one")
}

// Wait is the refusal of a caller who has to wait: 429 with Retry-After.
func Wait(wait time.Duration, description string) error {
	return &statusError{
		error:  oauth.Refuse(oauth.TemporarilyUnavailable, description),
		status: http.StatusTooManyRequests, retry: max(wait, time.Second),
	}
}

type statusError struct {
	error
	status int
	retry  time.Duration
	theirs bool // the status is about another server
}

func (e *statusError) Unwrap() error { return e.error }
