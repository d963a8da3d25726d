package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
)

const cimdID = "https://client.example/client.json"

// newCIMDLogin is a login through a client that is registered nowhere.
func (h *house) newCIMDLogin() store.Login {
	l := h.newLogin(cimdID)
	l.Record.CIMD = &store.CIMDCopy{
		Name: "CIMD Client", GrantTypes: oauth.SupportedGrantTypes(), Digest: strings.Repeat("d", 43),
	}
	return l
}

// What check sees is the copy, the whole login costs one read less at each step, and there never is
// a client (CD-07, SF-15).
func TestCIMDClientsNeedNoRegistration(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	counter := memory.Count(memory.New(nil))
	h.Store = h.over(t, counter, grace)
	ctx := t.Context()
	want := func(what string, reads, commits int64) {
		t.Helper()
		if got := counter.Take(); got != (memory.Cost{Reads: reads, Commits: commits}) {
			t.Errorf("%s costs %+v, want %d reads and %d commits", what, got, reads, commits)
		}
	}
	l := h.newCIMDLogin()
	err := h.IssueCode(ctx, l, func(c store.Client) error {
		uris := c.Metadata.RedirectURIs
		if c.ID != cimdID || !c.Public() || c.Name() != "CIMD Client" ||
			len(uris) != 1 || uris[0] != l.Record.RedirectURI {
			t.Errorf("got client %+v, want the copy", c)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want("IssueCode", 0, 1)
	if err := h.IssueCode(ctx, l, fixture.AnyClient); !errors.Is(err, store.ErrCompleted) {
		t.Errorf("the same login again: got %v, want it completed", err)
	}
	counter.Take()
	red := h.redeem(t, l.Code, store.Client{ID: cimdID})
	want("RedeemCode", 1, 1)
	if g := red.Grant; !g.CIMD || !g.Public || g.ClientName != "CIMD Client" || red.Refresh.IsZero() {
		t.Errorf("got grant %+v", g)
	}
	h.wantLive(t, red.Grant.ID)
	want("LiveGrant", 1, 0)
	h.rotate(t, red.Refresh, cimdID)
	want("Rotate", 1, 1)
	if exists, err := h.ClientExists(ctx, store.ClientDocument(cimdID)); exists || err != nil {
		t.Errorf("got a client %t, %v, want none", exists, err)
	}
	if err := h.RevokeGrant(ctx, red.Grant.ID, "test", nil); err != nil {
		t.Fatal(err)
	}
	h.wantEnded(t, red.Grant.ID)
}

// A refused check stops the code of a CIMD client too.
func TestCIMDClientIsCheckedByItsCopy(t *testing.T) {
	t.Parallel()
	h, no := newHouse(t), errors.New("no")
	l := h.newCIMDLogin()
	if err := h.IssueCode(t.Context(), l, func(store.Client) error { return no }); !errors.Is(err, no) {
		t.Errorf("got %v, want the check's error", err)
	}
	if _, err := h.Code(t.Context(), l.Code); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the code: got %v, want ErrNotFound", err)
	}
}

// A grant of a registered client still ends with its registration, whatever that of a CIMD client does.
func TestRegisteredGrantsStillEndWithTheirClient(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	red := h.login(t, h.register(t, "c_1"))
	if red.Grant.CIMD {
		t.Error("got a CIMD client's grant for a registered client")
	}
	h.wantLive(t, red.Grant.ID)
	if err := h.DeleteClient(t.Context(), "c_1", nil); err != nil {
		t.Fatal(err)
	}
	h.wantEnded(t, red.Grant.ID)
}

// A code of a CIMD client may still become a grant, though there is no client: the upstream token waits for it.
func TestUpstreamTokenWaitsForACIMDClientsCode(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	l := h.newCIMDLogin()
	if err := h.IssueCode(t.Context(), l, fixture.AnyClient); err != nil {
		t.Fatal(err)
	}
	person := store.PersonDocument(l.Record.Person.Subject)
	if _, err := h.UnneededToken(t.Context(), person); !errors.Is(err, store.ErrSignInPending) {
		t.Errorf("before the code expires: got %v, want it pending", err)
	}
	h.Clock.Advance(codeTTL + time.Minute)
	if _, err := h.UnneededToken(t.Context(), person); err != nil {
		t.Errorf("after that: got %v, want the token to go", err)
	}
}
