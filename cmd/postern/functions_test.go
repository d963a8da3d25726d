package main

import (
	"path/filepath"
	"testing"

	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/embedded"
)

// What postern dev delivers starts the event functions as Eventarc does: the upstream token
// of a person goes with their last grant.
func TestChangesReachTheEventFunctions(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	ids, err := seed(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	keys := keyring.NewFiles(filepath.Join(dir, "keys"))
	env := &boot.Env{Lookup: config.Map(map[string]string{
		"STORE": "embedded:" + dir, "IDENTITY_PROVIDER": "development", "ALLOW": "anyone", "LOG_LEVEL": "error",
		"FERNET_KEYS_FILE": keys.Path(keyring.Fernet), "SIGNING_KEYS_FILE": keys.Path(keyring.Signing), "VERIFICATION_KEYS_FILE": keys.Path(keyring.Verification),
	})}
	_, deliver, err := openAll(ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	defer env.Close()
	d, err := embedded.Open(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	s, err := store.New(d, seal.NewBox(keyfile.New(keys.Path(keyring.Fernet), fernet.ParseKeyring, nil), nil), store.Lifetimes{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeGrant(ctx, ids["GRANT3"], "test", nil); err != nil {
		t.Fatal(err)
	}
	changes, err := d.Changes(ctx, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		if c.Key.ID != ids["GRANT3_DOCUMENT"] {
			continue
		}
		if err := deliver(ctx, c); err != nil {
			t.Error(err)
		}
	}
	account, err := s.Account(ctx, "github:mona")
	if err != nil || len(account.UpstreamToken) != 0 {
		t.Errorf("got token %q, %v; want none", account.UpstreamToken, err)
	}
}
