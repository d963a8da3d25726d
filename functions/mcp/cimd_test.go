package mcp

import (
	"errors"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
)

// The connection of a CIMD client lives without a registration, shows as what was approved,
// and ends when it is revoked.
func TestCIMDClientsGrantDecidesAlone(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	const id = "https://client.example/client.json"
	now, code := f.Clock.Now(), credential.New("ac_")
	must(t, f.Store.IssueCode(t.Context(), store.Login{Code: code, Until: now.Add(time.Minute), Record: store.Code{
		ClientID: id, Scopes: oauth.Scopes{oauth.ScopeMCP}, Resource: issuer + oauth.MCPPath, Issued: now,
		Expiry: now.Add(time.Minute),
		CIMD:   &store.CIMDCopy{Name: "CIMD Client", GrantTypes: oauth.SupportedGrantTypes()},
		Person: store.Person{Subject: "development:octocat", Login: "octocat", AllowedBy: "anyone", Checked: now},
	}}, func(store.Client) error { return nil }))
	anyCode := func(store.Code) error { return nil }
	red, _, err := f.Store.RedeemCode(t.Context(), code, "", store.Client{ID: id}, anyCode)
	must(t, err)
	l := newLiveness(f.Store, 30*time.Second, f.Clock.Now)
	g, err := l.look(t.Context(), red.Grant.ID)
	must(t, err)
	if g.ClientID != id || g.ClientName != "CIMD Client" {
		t.Errorf("got client %s %q", g.ClientID, g.ClientName)
	}
	must(t, f.Store.RevokeGrant(t.Context(), g.ID, "test", nil))
	f.Clock.Advance(31 * time.Second)
	if _, err := l.look(t.Context(), g.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after revocation: got %v, want it ended", err)
	}
}
