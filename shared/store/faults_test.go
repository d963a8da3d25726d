package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/fixture"
)

// A verb is one call of the store, over a house that is ready for it.
type verb struct {
	name  string
	ready func(t *testing.T, h *house) func(ctx context.Context) error
}

func verbs() []verb {
	return []verb{
		{"RegisterClient", func(_ *testing.T, h *house) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := h.RegisterClient(ctx, fixture.PublicClient("c_1"))
				return err
			}
		}},
		{"Client", func(t *testing.T, h *house) func(context.Context) error {
			h.register(t, "c_1")
			return func(ctx context.Context) error { _, err := h.Client(ctx, "c_1"); return err }
		}},
		{"ClientExists", func(t *testing.T, h *house) func(context.Context) error {
			h.register(t, "c_1")
			return func(ctx context.Context) error {
				exists, err := h.ClientExists(ctx, store.ClientDocument("c_1"))
				return wantTrue(exists, err)
			}
		}},
		{"UpdateClient", func(t *testing.T, h *house) func(context.Context) error {
			h.register(t, "c_1")
			return func(ctx context.Context) error {
				rename := func(c *store.Client) error { c.Metadata.ClientName = "New"; return nil }
				_, err := h.UpdateClient(ctx, "c_1", rename)
				return err
			}
		}},
		{"IssueCode", func(t *testing.T, h *house) func(context.Context) error {
			l := h.newLogin(h.register(t, "c_1").ID)
			return func(ctx context.Context) error { return h.IssueCode(ctx, l, fixture.AnyClient) }
		}},
		{"Code", func(t *testing.T, h *house) func(context.Context) error {
			code := h.issue(t, h.register(t, "c_1").ID)
			return func(ctx context.Context) error { _, err := h.Code(ctx, code); return err }
		}},
		{"RedeemCode", func(t *testing.T, h *house) func(context.Context) error {
			c := h.register(t, "c_1")
			code := h.issue(t, c.ID)
			return func(ctx context.Context) error {
				_, _, err := h.RedeemCode(ctx, code, "", c, fixture.AnyCode)
				return err
			}
		}},
		{"Rotate", func(t *testing.T, h *house) func(context.Context) error {
			red := h.login(t, h.register(t, "c_1"))
			return func(ctx context.Context) error {
				_, err := h.Rotate(ctx, red.Refresh, "c_1", allowGrant)
				return err
			}
		}},
		{"Rotate in grace", func(t *testing.T, h *house) func(context.Context) error {
			red := h.login(t, h.register(t, "c_1"))
			h.rotate(t, red.Refresh, "c_1")
			return func(ctx context.Context) error {
				_, err := h.Rotate(ctx, red.Refresh, "c_1", allowGrant)
				return err
			}
		}},
		{"RevokeGrant", func(t *testing.T, h *house) func(context.Context) error {
			red := h.login(t, h.register(t, "c_1"))
			return func(ctx context.Context) error { return h.RevokeGrant(ctx, red.Grant.ID, "test", nil) }
		}},
		{"Grant", func(t *testing.T, h *house) func(context.Context) error {
			red := h.login(t, h.register(t, "c_1"))
			return func(ctx context.Context) error { _, err := h.Grant(ctx, red.Grant.ID); return err }
		}},
		{"LiveGrant", func(t *testing.T, h *house) func(context.Context) error {
			red := h.login(t, h.register(t, "c_1"))
			return func(ctx context.Context) error { _, err := h.LiveGrant(ctx, red.Grant.ID); return err }
		}},
		{"Account", func(t *testing.T, h *house) func(context.Context) error {
			h.login(t, h.register(t, "c_1"))
			return func(ctx context.Context) error { _, err := h.Account(ctx, "github:583231"); return err }
		}},
		{"GrantsOfClient", func(t *testing.T, h *house) func(context.Context) error {
			h.login(t, h.register(t, "c_1"))
			return func(ctx context.Context) error {
				n := 0
				for _, err := range h.GrantsOfClient(ctx, store.ClientDocument("c_1")) {
					if err != nil {
						return err
					}
					n++
				}
				return wantTrue(n == 1, nil)
			}
		}},
	}
}

func wantTrue(b bool, err error) error {
	if err == nil && !b {
		return store.ErrNotFound
	}
	return err
}

// At whatever call of the keeper a fault comes, before or after its effect, once or for good, the
// answer is the fault or success, never a verdict, and once the keeper is back the store is whole
// (A7, A8, RT-04, RT-12, TE-07).
func TestFaultIsNeverAVerdict(t *testing.T) {
	t.Parallel()
	for _, v := range verbs() {
		for _, late := range []bool{false, true} {
			for _, forever := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s late=%v forever=%v", v.name, late, forever), func(t *testing.T) {
					t.Parallel()
					for skip := 0; ; skip++ {
						h := newHouse(t)
						call := v.ready(t, h)
						h.Faults.Arm(fixture.Fault{Skip: skip, Late: late, Forever: forever})
						err := call(t.Context())
						if !h.Faults.Disarm() {
							if skip == 0 {
								t.Fatal("no call of the keeper was seen")
							}
							return
						}
						if err != nil && (!errors.Is(err, errDown) || isVerdict(err)) {
							t.Errorf("fault at call %d: got %v, want the fault", skip, err)
						}
						if forever && !late && err == nil {
							t.Errorf("fault at call %d for good: got success", skip)
						}
						wantWhole(t, h)
					}
				})
			}
		}
	}
}

// wantWhole checks that no half of a change is there (SC-17): every code has its person
// and its used client, and a used code its grant.
func wantWhole(t *testing.T, h *house) {
	t.Helper()
	all := h.Kept(t)
	codes, people, grants := sortedKeys(all, "codes"), sortedKeys(all, "people"), sortedKeys(all, "grants")
	if len(codes) > 0 {
		c, err := h.Client(t.Context(), "c_1")
		if len(people) != 1 || err != nil || !c.Expiry.IsZero() {
			t.Errorf("a code is there, with %d people and client %v, %v", len(people), c.Expiry, err)
		}
	} else if len(people)+len(grants) > 0 {
		t.Errorf("no code is there, but %d people and %d grants", len(people), len(grants))
	}
}

// A revocation that was not acknowledged may be repeated, one that was holds (RT-12).
func TestRevocationIsNotAcknowledgedWhenItDidNotHappen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	red := h.login(t, h.register(t, "c_1"))
	for skip := range 10 {
		h.Faults.Arm(fixture.Fault{Skip: skip, Forever: true})
		err := h.RevokeGrant(t.Context(), red.Grant.ID, "test", nil)
		if !h.Faults.Disarm() {
			break
		}
		if err == nil {
			t.Errorf("fault at call %d: acknowledged", skip)
		}
		h.wantLive(t, red.Grant.ID)
	}
	h.wantEnded(t, red.Grant.ID)
}

// The answer to a commit is lost (SC-14). The call finds its own write and succeeds.
func TestLostAnswerOfACommitIsReadBack(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"RegisterClient", "IssueCode", "RedeemCode", "Rotate"} {
		for _, v := range verbs() {
			if v.name != name {
				continue
			}
			h := newHouse(t)
			call := v.ready(t, h)
			commits := h.loseOneAnswer()
			if err := call(t.Context()); err != nil || *commits != 1 {
				t.Errorf("%s: got %v after %d commits, want success after the one whose answer was lost",
					name, err, *commits)
			}
		}
	}
}

// A stubborn driver runs a function again after its writes were committed, as a
// client library does that takes a lost answer for a conflict.
type stubborn struct{ driver.Driver }

func (d stubborn) RunTransaction(ctx context.Context, f func(context.Context, driver.Tx) error) error {
	if err := d.Driver.RunTransaction(ctx, f); err != nil {
		return err
	}
	return d.Driver.RunTransaction(ctx, f)
}

func (d stubborn) Create(ctx context.Context, k driver.Key, doc driver.Document) error {
	if err := d.Driver.Create(ctx, k, doc); err != nil {
		return err
	}
	return d.Driver.Create(ctx, k, doc)
}

// A function that runs again over its own committed writes takes them for its own (SC-14, SC-15).
// Without grace a rotation would else be reuse, a redemption a replay.
func TestVerbsThatRunAgainAfterTheirCommitSucceed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s := h.over(t, stubborn{h.Memory}, 0)
	c, err := s.RegisterClient(t.Context(), fixture.PublicClient("c_1"))
	if err != nil {
		t.Fatalf("register: %v", err)
	}
	l := h.newLogin(c.ID)
	if err := s.IssueCode(t.Context(), l, fixture.AnyClient); err != nil {
		t.Fatalf("issue: %v", err)
	}
	red, replayed, err := s.RedeemCode(t.Context(), l.Code, "", c, fixture.AnyCode)
	if err != nil || replayed {
		t.Fatalf("redeem: got replayed %v, %v", replayed, err)
	}
	rot, err := s.Rotate(t.Context(), red.Refresh, c.ID, allowGrant)
	if err != nil || !rot.Rotated {
		t.Fatalf("rotate: got rotated %v, %v", rot.Rotated, err)
	}
	// As the management of a client does, whose token is another after each change.
	updated, err := s.UpdateClient(t.Context(), c.ID, func(c *store.Client) error {
		if c.RegistrationTokenHash == "changed" {
			return errors.New("the token was changed by somebody else")
		}
		c.RegistrationTokenHash = "changed"
		return nil
	})
	if err != nil || updated.RegistrationTokenHash != "changed" {
		t.Fatalf("update: got %q, %v", updated.RegistrationTokenHash, err)
	}
	if _, err = s.Rotate(t.Context(), rot.Refresh, c.ID, allowGrant); err != nil {
		t.Fatalf("rotate again: %v", err)
	}
	h.wantLive(t, red.Grant.ID)
	if err := s.RevokeGrant(t.Context(), red.Grant.ID, "test", nil); err != nil {
		t.Fatalf("revoke: %v", err)
	}
	// And what is somebody else's stays so.
	if err := s.IssueCode(t.Context(), l, fixture.AnyClient); !errors.Is(err, store.ErrCompleted) {
		t.Errorf("issue again: got %v, want ErrCompleted", err)
	}
	if _, replayed, err := s.RedeemCode(t.Context(), l.Code, "", c, fixture.AnyCode); err == nil || !replayed {
		t.Errorf("redeem again: got replayed %v, %v; want a replay", replayed, err)
	}
	if _, err := s.RegisterClient(t.Context(), fixture.PublicClient("c_1")); err == nil {
		t.Error("register again: a taken id was registered")
	}
	if err := s.DeleteClient(t.Context(), c.ID, nil); err != nil {
		t.Fatalf("delete: %v", err)
	}
}

// A context that ended is not a verdict either, and nothing is written.
func TestEndedContextChangesNothing(t *testing.T) {
	t.Parallel()
	for _, v := range verbs() {
		h := newHouse(t)
		call := v.ready(t, h)
		before := h.Kept(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := call(ctx); !errors.Is(err, context.Canceled) || isVerdict(err) {
			t.Errorf("%s: got %v, want the context's error", v.name, err)
		}
		after := h.Kept(t)
		for k, d := range after {
			if !d.Equal(before[k]) {
				t.Errorf("%s: %s was written", v.name, k.Collection)
			}
		}
	}
}

// Refusals of a dead token are refusals while the keeper answers.
func TestUnknownIsAVerdict(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	if _, err := h.Client(t.Context(), "c_2"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("client: got %v", err)
	}
	_, _, err := h.RedeemCode(t.Context(), credential.New("code_"), "", c, fixture.AnyCode)
	if refusal, ok := errors.AsType[*oauth.Error](err); !ok || refusal.Code != oauth.InvalidGrant {
		t.Errorf("code: got %v", err)
	}
	if _, err := h.LiveGrant(t.Context(), "unknown"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("grant: got %v", err)
	}
}
