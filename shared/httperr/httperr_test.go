package httperr

import (
	"net/http"
	"testing"

	"github.com/postern-dev/postern/shared/oauth"
)

// A server that the caller named and that is down is told as such, and wakes nobody here.
func TestAnOutageOfAnotherServerIsNotAFaultOfOurs(t *testing.T) {
	t.Parallel()
	v := Of(Unreachable(oauth.Refuse(oauth.InvalidClient, "it is down")))
	if v.Status != http.StatusBadGateway || v.Fault || v.RetryAfter <= 0 || v.Code != oauth.InvalidClient ||
		v.Description != "it is down" {
		t.Errorf("got %+v, want 502 with Retry-After and no fault", v)
	}
	if v := Of(Status(http.StatusBadGateway, oauth.Refuse(oauth.ServerError, "x"))); !v.Fault {
		t.Errorf("got %+v, want any other 502 to be a fault", v)
	}
}
