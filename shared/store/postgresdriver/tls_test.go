package postgresdriver

import (
	"errors"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/postgres"
)

// With sslmode=verify-full the server has to be who the URL says, by an authority that was named.
func TestServerIsVerified(t *testing.T) {
	s := postgres.Start(t)
	url := migrated(t, s)
	authority := s.Protect(t)
	get := func(host, mode string) error {
		d := open(t, strings.NewReplacer("127.0.0.1", host, "sslmode=disable", mode).Replace(url))
		defer d.Close()
		_, err := d.Get(t.Context(), key("x"))
		return err
	}
	// A server reads its settings again some time after it was told to.
	for !errors.Is(get("127.0.0.1", "sslmode=require"), driver.ErrNotFound) && t.Context().Err() == nil {
	}
	verified := "sslmode=verify-full&sslrootcert=" + authority
	if err := get("127.0.0.1", verified); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("the right server: got %v, want an answer", err)
	}
	for what, err := range map[string]error{
		"another name":         get("localhost", verified),
		"an unknown authority": get("127.0.0.1", "sslmode=verify-full"),
	} {
		if err == nil || errors.Is(err, driver.ErrNotFound) || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: got %v, want a fault about the certificate", what, err)
		}
	}
}
