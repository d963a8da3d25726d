package store_test

import (
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/fixture"
)

// A client that came from another server stays until it is deleted: whether and when its
// person comes back nobody knows.
func TestImportedClientNeverExpires(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := fixture.PublicClient("0a1b2c3d-0000-4000-8000-000000000000")
	c.Imported = true
	if _, err := h.RegisterClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	h.Clock.Advance(100 * unused)
	h.Memory.Purge(h.Clock.Now().Add(time.Hour))
	if _, err := h.Client(t.Context(), c.ID); err != nil {
		t.Errorf("got %v, want the client", err)
	}
}

// How a client may authenticate where it registered elsewhere, or by the operator's hand.
func TestAcceptedAuthMethods(t *testing.T) {
	t.Parallel()
	const none, basic, post = oauth.AuthMethodNone, oauth.AuthMethodBasic, oauth.AuthMethodPost
	for _, test := range []struct {
		name   string
		client store.Client
		method string
		want   [3]bool // none, basic, post
	}{
		{"registered, public", store.Client{}, none, [3]bool{true, false, false}},
		{"registered, post", store.Client{}, post, [3]bool{false, false, true}},
		{"operator's, public", store.Client{Operator: true}, none, [3]bool{true, false, false}},
		{"operator's, secret", store.Client{Operator: true}, basic, [3]bool{false, true, true}},
		{"operator's, said", store.Client{Operator: true, AuthMethodSaid: true}, post, [3]bool{false, false, true}},
		{"imported without its secret", store.Client{Imported: true}, none, [3]bool{true, true, true}},
		{"imported with it", store.Client{Imported: true}, post, [3]bool{false, true, true}},
		{"imported, said", store.Client{Imported: true, AuthMethodSaid: true}, basic, [3]bool{false, true, false}},
	} {
		test.client.Metadata.TokenEndpointAuthMethod = test.method
		got := [3]bool{test.client.Accepts(none), test.client.Accepts(basic), test.client.Accepts(post)}
		if got != test.want {
			t.Errorf("%s: got none, basic, post %v, want %v", test.name, got, test.want)
		}
	}
}
