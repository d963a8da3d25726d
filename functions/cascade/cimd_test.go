package cascade

import (
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
)

// A CIMD client has no registration to be missed: no event ends what
// it has, not even one of a registration of that id. Its grant's end is any grant's end.
func TestCIMDClientsAreNotMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const id = "https://client.example/client.json"
	token, err := upstream.Token{AccessToken: credential.Wrap(tokenName(1))}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	login := func() credential.Secret {
		l := store.Login{Code: credential.New("code_"), UpstreamToken: token, Until: w.Clock.Now().Add(time.Hour)}
		l.Record = store.Code{
			ClientID: id, RedirectURI: "http://127.0.0.1:5/cb", Scopes: oauth.Scopes{"mcp"},
			Resource: "https://auth.example.com/mcp",
			Person:   store.Person{Subject: alice}, Issued: w.Clock.Now(), Expiry: w.Clock.Now().Add(codeTTL),
			CIMD: &store.CIMDCopy{Name: "CIMD Client", GrantTypes: oauth.SupportedGrantTypes()},
		}
		if err := w.Store.IssueCode(t.Context(), l, func(store.Client) error { return nil }); err != nil {
			t.Fatal(err)
		}
		return l.Code
	}
	red, err := w.redeem(t.Context(), login(), store.Client{ID: id})
	if err != nil {
		t.Fatal(err)
	}
	pending := login()
	if failed := w.drain(t); len(failed) != 0 {
		t.Errorf("got %d events that fail", len(failed))
	}
	deleted := Change{Collection: "clients", Document: store.ClientDocument(id), Deleted: true}
	if err := w.Handle(t.Context(), deleted); err != nil {
		t.Fatal(err)
	}
	w.drain(t)
	if _, err := w.Store.LiveGrant(t.Context(), red.Grant.ID); err != nil {
		t.Errorf("got %v, want the grant to live", err)
	}
	if _, err := w.Store.Code(t.Context(), pending); err != nil {
		t.Errorf("the pending code: got %v, want it kept", err)
	}
	if w.token(t, alice) == "" {
		t.Error("the upstream token is gone")
	}
	w.Clock.Advance(2 * codeTTL)
	revoke(t, w, red.Grant.ID)
	w.drain(t)
	if got := w.token(t, alice); got != "" {
		t.Errorf("got the token %q after the last grant, want none", got)
	}
}
