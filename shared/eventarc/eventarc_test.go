package eventarc

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/store/driver"
)

// What is sent is read back in functions/cascade; the mask is read by nobody here.
func TestUpdateSaysWhichFieldsChanged(t *testing.T) {
	t.Parallel()
	before := driver.Document{
		Body: "sealed", Index: map[string]string{"client": "c", "person": "p"},
		DeleteAfter: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
	}
	after := before.Clone()
	after.Body, after.DeleteAfter = "another body", time.Time{}
	c := driver.Change{Before: &before, After: &after}
	got := changed(fields(c, false), fields(c, true))
	if diff := cmp.Diff([]string{"body", "delete_after"}, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}
