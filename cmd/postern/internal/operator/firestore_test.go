package operator_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/emulator"
)

func TestMain(m *testing.M) { os.Exit(emulator.Run(m)) }

// Over Firestore the operator sees, seals again and ends the same as over a file.
func TestOperatorOverFirestore(t *testing.T) {
	t.Parallel()
	o := operator.Options{Store: "firestore:" + emulator.Project(t), Keys: t.TempDir()}
	c := &keyring.Store{Backend: keyring.NewFiles(o.Keys)}
	if _, err := c.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	output := cli.New(nil, &out, &log)
	d, err := o.Open(t.Context(), output)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	do := func(want string, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %s, want %q", out.String(), want)
		}
		out.Reset()
	}
	wiki := operator.NewClient{Name: "Wiki", RedirectURIs: []string{"http://127.0.0.1/cb"}}
	do("Wiki", d.AddClient(t.Context(), wiki))
	signIn(t, d.Store)
	do("octocat", d.ListGrants(t.Context(), operator.GrantFilter{User: "octocat"}))
	do("user:octocat", d.ListUsers(t.Context(), operator.Selection{}))

	if _, err := c.Stage(t.Context(), keyring.Fernet); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Promote(t.Context(), keyring.Fernet, "", true); err != nil {
		t.Fatal(err)
	}
	ring, err := c.Fernet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done, err := d.Reseal(t.Context(), ring, operator.Place{}, func(operator.Resealed) {})
	if err != nil {
		t.Fatal(err)
	}
	// A client, a redeemed code and one that was not, a grant, a person.
	do("all         5     5", d.ShowResealed(done))
	if usage, err := d.Usage(t.Context(), ring[:1]); err != nil || usage[""] != nil {
		t.Errorf("the new key alone does not open %v, %v", usage[""], err)
	}

	// The next command reads the ring anew.
	if d, err = o.Open(t.Context(), output); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	do("ended 1 grant, removed 1 unredeemed code", d.RevokeUser(t.Context(), "octocat", true))
	do("0 live, 0 expired, 1 revoked", d.Stats(t.Context()))
	if !strings.Contains(log.String(), `"event":"grant.revoked"`) {
		t.Errorf("got log %s, want the revocation", log.String())
	}
}

// signIn signs octocat in twice through the one client there is, and redeems the first
// code.
func signIn(t *testing.T, s *store.Store) {
	t.Helper()
	for c, err := range s.Clients(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			code, now := credential.New("code_"), time.Now()
			err := s.IssueCode(t.Context(), store.Login{Code: code, Record: store.Code{
				ClientID: c.ID, Scopes: oauth.Scopes{"mcp"}, Issued: now, Expiry: now.Add(time.Hour),
				Person: store.Person{Subject: "github:1", Login: "octocat", AllowedBy: "user:octocat"},
			}}, func(store.Client) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 {
				continue
			}
			if _, _, err := s.RedeemCode(t.Context(), code, "", c, func(store.Code) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
}
