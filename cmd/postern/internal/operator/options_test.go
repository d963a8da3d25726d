package operator_test

import (
	"strings"
	"testing"

	"github.com/postern-dev/postern/cmd/postern/internal/operator"
)

// The rings of this computer do not fit a deployed server's records, and removing what they do
// not open would remove everything.
func TestDeployedStoreNeedsItsRingsNamed(t *testing.T) {
	t.Setenv("FIRESTORE_EMULATOR_HOST", "")
	t.Setenv("FERNET_KEYS_FILE", "")
	o := operator.Options{Store: "firestore:acme-mcp"}
	if _, _, err := o.Backend(t.Context()); err == nil || !strings.Contains(err.Error(), "--project") {
		t.Errorf("got %v, want to be asked for the rings", err)
	}
	o.Keys = t.TempDir()
	if _, _, err := o.Backend(t.Context()); err != nil {
		t.Errorf("with --keys: %v", err)
	}
	o.Project = "acme-mcp"
	if _, _, err := o.Backend(t.Context()); err == nil {
		t.Error("with both: accepted")
	}
}
