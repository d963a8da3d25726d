package operator_test

import (
	"testing"

	"github.com/postern-dev/postern/cmd/postern/internal/operator"
)

func TestPlaceIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"clients/abc", "people/x"} {
		if p, err := operator.ParsePlace(s); err != nil || p.String() != s {
			t.Errorf("%s: got %s, %v", s, p, err)
		}
	}
	for _, s := range []string{"clients", "secrets/abc", "/abc"} {
		if p, err := operator.ParsePlace(s); err == nil {
			t.Errorf("%s: got %s, want an error", s, p)
		}
	}
}
