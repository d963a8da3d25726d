package main

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/manifest"
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
		"FERNET_KEYS_FILE": keys.Path(keyring.Fernet), "SIGNING_KEYS_FILE": keys.Path(keyring.Signing),
		"VERIFICATION_KEYS_FILE": keys.Path(keyring.Verification),
	})}
	_, deliver, err := openAll(ctx, env, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer env.Close()
	d, err := embedded.Open(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ring := keyfile.New(keys.Path(keyring.Fernet), fernet.ParseKeyring, nil)
	s, err := store.New(d, seal.NewBox(ring, nil), store.Lifetimes{}, nil)
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

// The table that this program runs is the list of functions.
func TestTableIsTheListOfFunctions(t *testing.T) {
	t.Parallel()
	for trigger, names := range map[manifest.Trigger][]string{
		manifest.HTTP:  slices.Sorted(maps.Keys(httpFunctions)),
		manifest.Event: slices.Sorted(maps.Keys(eventFunctions)),
	} {
		if want := slices.Sorted(slices.Values(manifest.Names(trigger))); !slices.Equal(names, want) {
			t.Errorf("%s: got %v, want those of shared/manifest: %v", trigger, names, want)
		}
	}
}

// A function reads the settings of its row, and no others.
func TestFunctionsReadTheSettingsOfTheirRows(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"ISSUER_URL": "https://auth.example.com", "STORE": "firestore:my-project",
		"IDENTITY_PROVIDER": "github", "GITHUB_CLIENT_ID": "x",
		"ALLOW": "org:acme", "GITHUB_CLIENT_SECRET_FILE": "no/file",
		"FERNET_KEYS_FILE": "no/file", "SIGNING_KEYS_FILE": "no/file", "VERIFICATION_KEYS_FILE": "no/file",
	}
	openid := maps.Clone(values)
	maps.Copy(openid, map[string]string{
		"IDENTITY_PROVIDER": "oidc:google", "OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET_FILE": "no/file",
		"ALLOW":         "anyone",
		"MCP_UPSTREAMS": `[{"name":"wiki","url":"https://w.example.com","identity":"none","provider_token":"X-Token"}]`,
	})
	for _, f := range manifest.Functions {
		read := map[string]bool{}
		for _, values := range []map[string]string{values, openid} {
			if err := start(t, f.Name, values, read); err != nil {
				t.Error(err)
			}
		}
		for _, s := range config.Settings {
			if got, want := read[s.Name], f.Reads(s.Name); got != want {
				t.Errorf("%s reads %s: got %v, want %v", f.Name, s.Name, got, want)
			}
		}
	}
}

// start builds a function of values, and notes which it reads.
func start(t *testing.T, name string, values map[string]string, read map[string]bool) error {
	t.Helper()
	env := &boot.Env{Lookup: func(name string) (string, bool) {
		read[name] = true
		v, ok := values[name]
		return v, ok
	}}
	err := fmt.Errorf("%s is not in the table", name)
	if build, ok := httpFunctions[name]; ok {
		_, err = boot.Open(t.Context(), name, build, env)
	} else if build, ok := eventFunctions[name]; ok {
		_, err = boot.Open(t.Context(), name, build, env)
	}
	return errors.Join(err, env.Close())
}
