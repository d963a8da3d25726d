package strict

import (
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
)

// ReadError says what was wrong with a body of at most limit bytes that could not be read
// to its end.
func ReadError(err error, limit int64) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return TooLarge(limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return httperr.Status(http.StatusRequestTimeout, oauth.Refuse(oauth.InvalidRequest, "the body took too long"))
	}
	return oauth.RefuseBecause(err, oauth.InvalidRequest, "the body ended early")
}

// TooLarge refuses a body of more than limit bytes with 413.
func TooLarge(limit int64) error {
	return httperr.Status(http.StatusRequestEntityTooLarge,
		oauth.Refuse(oauth.InvalidRequest, "the body is larger than %d bytes", limit))
}

// body returns the whole body of a request, which the edge has in memory already.
func body(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, ReadError(err, limit)
	}
	if int64(len(b)) > limit {
		return nil, TooLarge(limit)
	}
	return b, nil
}
