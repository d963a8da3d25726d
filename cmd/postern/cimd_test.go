package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/embedded"
)

// signInCIMD signs octocat in through a CIMD client, once to the end and once up to the
// code.
func signInCIMD(ctx context.Context, dir, clientID string) error {
	d, err := embedded.Open(ctx, dir)
	if err != nil {
		return err
	}
	defer d.Close()
	ring := keyfile.New(keyring.NewFiles(filepath.Join(dir, "keys")).Path(keyring.Fernet), fernet.ParseKeyring, nil)
	s, err := store.New(d, seal.NewBox(ring, nil), store.Lifetimes{}, nil)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, redeem := range []bool{true, false} {
		code := credential.New("code_")
		err := s.IssueCode(ctx, store.Login{Code: code, Until: now.Add(time.Hour), Record: store.Code{
			ClientID: clientID, RedirectURI: "http://127.0.0.1/cb",
			Scopes: oauth.Scopes{"mcp"}, Resource: "https://auth.example.com/mcp",
			Person: store.Person{Subject: "github:octocat", Login: "octocat", AllowedBy: "user:octocat", Checked: now},
			CIMD:   &store.CIMDCopy{Name: "Publishing", GrantTypes: oauth.SupportedGrantTypes()},
			Issued: now, Expiry: now.Add(time.Hour),
		}}, func(store.Client) error { return nil })
		if err != nil {
			return err
		}
		if !redeem {
			continue
		}
		nothing := func(store.Code) error { return nil }
		if _, _, err := s.RedeemCode(ctx, code, "", store.Client{ID: clientID}, nothing); err != nil {
			return err
		}
	}
	return nil
}

// A CIMD client has no registration: it is seen by its grants, by the URL that is its id, and
// ended by them.
func TestOperatorSeesAndEndsCIMDClients(t *testing.T) {
	t.Parallel()
	const id = "https://client.example/oauth/client.json"
	dir := t.TempDir()
	if _, err := seed(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if err := signInCIMD(t.Context(), dir, id); err != nil {
		t.Fatal(err)
	}
	must := func(args ...string) string {
		t.Helper()
		out, errOut, err := run(t.Context(), append(args, "--store", "embedded:"+dir)...)
		if err != nil {
			t.Fatalf("postern %s: %v\n%s", strings.Join(args, " "), err, errOut)
		}
		return out
	}
	if out := must("clients", "list"); strings.Contains(out, "client.example") {
		t.Errorf("clients list: got %s, want registered clients alone", out)
	}
	out := must("grants", "list", "--client", id)
	if !strings.Contains(out, "Publishing") || strings.Contains(out, "EDITOR") {
		t.Errorf("grants list --client: got %s, want the one of that id", out)
	}
	out = must("grants", "revoke", "--yes", "--client", id)
	if !strings.Contains(out, "ended 1 grant, removed 1 unredeemed code") {
		t.Errorf("grants revoke --client: got %s", out)
	}
	if out := must("grants", "list"); strings.Contains(out, "Publishing") || !strings.Contains(out, "EDITOR") {
		t.Errorf("afterwards: got %s, want the others'", out)
	}
}
