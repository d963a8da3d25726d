package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/fixture"
)

const octocat = "github:583231"

var person = store.PersonDocument(octocat)

// What stands between a person's upstream token and its end.
func TestTokenIsUnneededOnlyWhenNothingCanUseIt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		ready func(t *testing.T, h *house)
		want  error
	}{
		{"nobody signed in", func(*testing.T, *house) {}, store.ErrNotFound},
		{"a grant lives", func(t *testing.T, h *house) { h.login(t, h.register(t, "c_1")) }, store.ErrNotFound},
		{"one grant of two lives", func(t *testing.T, h *house) {
			c := h.register(t, "c_1")
			revoke(t, h, h.login(t, c).Grant.ID)
			h.login(t, c)
		}, store.ErrNotFound},
		{"the grant is revoked", func(t *testing.T, h *house) {
			revoke(t, h, h.login(t, h.register(t, "c_1")).Grant.ID)
		}, nil},
		{"the grant is over", func(t *testing.T, h *house) {
			h.login(t, h.register(t, "c_1"))
			h.Clock.Advance(grantTTL + time.Minute)
		}, nil},
		{"the grant was over a moment ago, by this clock", func(t *testing.T, h *house) {
			h.login(t, h.register(t, "c_1"))
			h.Clock.Advance(grantTTL + time.Second)
		}, store.ErrNotFound},
		{"a code can be redeemed",
			func(t *testing.T, h *house) { h.issue(t, h.register(t, "c_1").ID) }, store.ErrSignInPending},
		{"a code can be redeemed and a grant lives", func(t *testing.T, h *house) {
			c := h.register(t, "c_1")
			h.login(t, c)
			h.issue(t, c.ID)
		}, store.ErrNotFound},
		{"a code expired a moment ago, by this clock", func(t *testing.T, h *house) {
			h.issue(t, h.register(t, "c_1").ID)
			h.Clock.Advance(codeTTL + time.Second)
		}, store.ErrSignInPending},
		{"a code expired", func(t *testing.T, h *house) {
			h.issue(t, h.register(t, "c_1").ID)
			h.Clock.Advance(codeTTL + time.Minute)
		}, nil},
		{"the client of the code is gone", func(t *testing.T, h *house) {
			h.issue(t, h.register(t, "c_1").ID)
			if err := h.DeleteClient(t.Context(), "c_1", nil); err != nil {
				t.Fatal(err)
			}
		}, nil},
		{"the token was dropped", func(t *testing.T, h *house) {
			revoke(t, h, h.login(t, h.register(t, "c_1")).Grant.ID)
			drop(t, h, true)
		}, store.ErrNotFound},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			test.ready(t, h)
			got, err := h.UnneededToken(t.Context(), person)
			if !errors.Is(err, test.want) || (test.want == nil) != (len(got.UpstreamToken) > 0) {
				t.Errorf("got %d bytes of token, %v, want %v", len(got.UpstreamToken), err, test.want)
			}
		})
	}
}

func revoke(t testing.TB, h *house, grantID string) {
	t.Helper()
	if err := h.RevokeGrant(t.Context(), grantID, "test", nil); err != nil {
		t.Fatal(err)
	}
}

// drop drops the token that newLogin gives everybody.
func drop(t testing.TB, h *house, want bool) {
	t.Helper()
	got, err := h.DropUpstreamToken(t.Context(), person, []byte("upstream-token-of-octocat"))
	if err != nil || got != want {
		t.Errorf("drop: got %v, %v, want %v", got, err, want)
	}
}

// A newer sign-in wins, and the rest of the account stays.
func TestOnlyTheTokenThatWasSeenIsDropped(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	drop(t, h, false)
	l := h.newLogin(h.register(t, "c_1").ID)
	l.UpstreamToken = []byte("newer")
	if err := h.IssueCode(t.Context(), l, fixture.AnyClient); err != nil {
		t.Fatal(err)
	}
	drop(t, h, false)
	if got, err := h.Account(t.Context(), octocat); err != nil || string(got.UpstreamToken) != "newer" {
		t.Errorf("got token %q, %v, want the newer one", got.UpstreamToken, err)
	}
	if got, err := h.DropUpstreamToken(t.Context(), person, []byte("newer")); err != nil || !got {
		t.Errorf("got %v, %v, want the newer one dropped", got, err)
	}
	got, err := h.Account(t.Context(), octocat)
	if err != nil || len(got.UpstreamToken) != 0 || got.Login != "octocat-login" {
		t.Errorf("got token %q of %q, %v, want the person without a token", got.UpstreamToken, got.Login, err)
	}
	if got, err := h.DropUpstreamToken(t.Context(), person, nil); err != nil || got {
		t.Errorf("got %v, %v: no token was dropped as one", got, err)
	}
}

// The answer to a commit is lost, or the keeper's client runs the function again (SC-14).
func TestLostAnswerOfADropIsReadBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	h.login(t, c)
	h.loseOneAnswer()
	drop(t, h, true)
	h.Faults.After(nil)
	h.login(t, c)
	token := []byte("upstream-token-of-octocat")
	dropped, err := h.over(t, stubborn{h.Memory}, grace).DropUpstreamToken(t.Context(), person, token)
	if err != nil || !dropped {
		t.Errorf("got %v, %v, want the token dropped", dropped, err)
	}
}

func TestRedeemedCodeIsNotRemoved(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	used, fresh := h.issue(t, c.ID), h.issue(t, c.ID)
	h.redeem(t, used, c)
	for _, document := range []string{used.Hash(), fresh.Hash(), fresh.Hash()} {
		if err := h.RemoveCode(t.Context(), document); err != nil {
			t.Errorf("got %v, want no error", err)
		}
	}
	var left []string
	for code, err := range h.CodesOfClient(t.Context(), store.ClientDocument(c.ID)) {
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, code.Document)
	}
	if len(left) != 1 || left[0] != used.Hash() {
		t.Errorf("got codes %v, want the redeemed one alone", left)
	}
}

func TestGrantIsFoundByItsDocument(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	g := h.login(t, h.register(t, "c_1")).Grant
	if got, err := h.GrantByDocument(t.Context(), store.GrantDocument(g.ID)); err != nil || got.ID != g.ID {
		t.Errorf("got %q, %v, want %q", got.ID, err, g.ID)
	}
	if _, err := h.GrantByDocument(t.Context(), person); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

// A fault is never "nothing needs it", at whatever call it comes.
func TestFaultNeverMakesATokenUnneeded(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		for skip := 0; ; skip++ {
			h := newHouse(t)
			c := h.register(t, "c_1")
			h.issue(t, c.ID)
			h.login(t, c)
			h.Faults.Arm(fixture.Fault{Skip: skip, Late: late})
			account, err := h.UnneededToken(t.Context(), person)
			if !h.Faults.Disarm() {
				if skip < 4 {
					t.Errorf("only %d calls of the keeper, want account, codes, client and grants", skip)
				}
				break
			}
			if !errors.Is(err, errDown) || len(account.UpstreamToken) > 0 {
				t.Errorf("%s: got %v, want the fault", fmt.Sprintf("fault at call %d late=%v", skip, late), err)
			}
		}
	}
}
