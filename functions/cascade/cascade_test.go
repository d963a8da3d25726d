package cascade

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/fixture"
)

const (
	alice = "github:1"
	bob   = "github:2"
)

func TestLastGrantTakesTheUpstreamTokenWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.register(t, "c_1"), w.register(t, "c_2")
	first, second := w.login(t, alice, one), w.login(t, alice, two)
	w.login(t, bob, one)
	revoke(t, w, first.ID)
	w.drain(t)
	w.wantToken(t, alice, tokenName(2))
	w.wantRevoked(t, tokenName(1)) // the sign-in that came second replaced it
	revoke(t, w, second.ID)
	w.drain(t)
	w.wantToken(t, alice, "")
	w.wantToken(t, bob, tokenName(3))
	w.wantRevoked(t, tokenName(1), tokenName(2))
	dropped := strings.Count(w.Lines.String(), `"event":"upstream_token.dropped"`)
	if dropped != 1 || !strings.Contains(w.Lines.String(), `"person":"`+store.PersonDocument(alice)) {
		t.Errorf("got %d audit lines, want one of the person:\n%s", dropped, w.Lines)
	}
}

func revoke(t testing.TB, w *world, grantID string) {
	t.Helper()
	if err := w.Store.RevokeGrant(t.Context(), grantID, "test", nil); err != nil {
		t.Fatal(err)
	}
}

func deleteClient(t testing.TB, w *world, id string) {
	t.Helper()
	if err := w.Store.DeleteClient(t.Context(), id, nil); err != nil {
		t.Fatal(err)
	}
}

func TestDeletedClientTakesItsGrantsAndCodesWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, other := w.register(t, "c_1"), w.register(t, "c_2")
	mine, theirs := w.login(t, alice, c), w.login(t, bob, other)
	for _, subject := range []string{alice, "github:3"} {
		if _, err := w.signIn(t.Context(), subject, c.ID); err != nil {
			t.Fatal(err)
		}
	}
	deleteClient(t, w, c.ID)
	w.drain(t)
	if g, err := w.Store.Grant(t.Context(), mine.ID); err != nil || g.Revoked.IsZero() || g.Reason != "client deleted" {
		t.Errorf("got revoked %v for %q, %v, want it ended because of the client", g.Revoked, g.Reason, err)
	}
	if _, err := w.Store.LiveGrant(t.Context(), theirs.ID); err != nil {
		t.Errorf("another client's grant: got %v", err)
	}
	for code, err := range w.Store.CodesOfClient(t.Context(), store.ClientDocument(c.ID)) {
		if err != nil {
			t.Fatal(err)
		}
		if code.Used.IsZero() {
			t.Error("an unredeemed code is left")
		}
	}
	w.wantToken(t, alice, "")
	w.wantToken(t, "github:3", "") // had nothing but a code
	w.wantToken(t, bob, tokenName(2))
	w.wantRevoked(t, tokenName(1), tokenName(3), tokenName(4)) // the first was replaced
	if got := strings.Count(w.Lines.String(), `"event":"grant.revoked"`); got != 1 {
		t.Errorf("got %d audit lines of the grant, want 1:\n%s", got, w.Lines)
	}
}

// The client was read, deleted, and swept before the code became a grant.
func TestGrantStartedWhileItsClientIsDeletedEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.register(t, "c_1")
	code, err := w.signIn(t.Context(), alice, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	deleteClient(t, w, c.ID)
	red, err := w.redeem(t.Context(), code, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range w.events(t) {
		if e.Key.Collection == "grants" { // the client's event was handled before
			handle(t, w, e)
		}
	}
	if g, err := w.Store.Grant(t.Context(), red.Grant.ID); err != nil || g.Revoked.IsZero() {
		t.Errorf("got revoked %v, %v, want it ended", g.Revoked, err)
	}
	w.drain(t)
	w.wantToken(t, alice, "")
}

func handle(t testing.TB, w *world, e driver.Change) {
	t.Helper()
	if err := w.Handle(t.Context(), changeOf(e)); err != nil {
		t.Errorf("handle %s: %v", e.Key.Collection, err)
	}
}

// What the keeper removes in its own time is not a revocation: an unused client going ends nothing, an
// expired grant going settles its person (SC-13).
func TestKeepersDeletionsAreCleanupAndNoRevocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "c_unused")
	c := w.register(t, "c_1")
	w.login(t, alice, c)
	w.Clock.Advance(8 * 24 * time.Hour)
	w.login(t, bob, c)
	if w.Memory.Purge(w.Clock.Now()) == 0 {
		t.Fatal("nothing was removed")
	}
	w.drain(t)
	w.wantToken(t, alice, tokenName(1))
	w.wantToken(t, bob, tokenName(2))
	w.Clock.Advance(grantTTL - 24*time.Hour)
	w.Memory.Purge(w.Clock.Now())
	w.drain(t)
	w.wantToken(t, alice, "")
	w.wantToken(t, bob, tokenName(2))
	w.wantRevoked(t, tokenName(1))
	if strings.Contains(w.Lines.String(), "grant.revoked") {
		t.Errorf("a removal was taken for a revocation:\n%s", w.Lines)
	}
}

// A person who approved and whose client never came for the code has no grant to end.
func TestCodeThatWasNeverRedeemedSettlesItsPersonWhenItGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.signIn(t.Context(), alice, w.register(t, "c_1").ID); err != nil {
		t.Fatal(err)
	}
	w.drain(t)
	w.wantToken(t, alice, tokenName(1))
	w.Clock.Advance(accessTTL + time.Minute)
	w.Memory.Purge(w.Clock.Now())
	w.drain(t)
	w.wantToken(t, alice, "")
	w.wantRevoked(t, tokenName(1))
}

func TestProviderOutageKeepsTheTokenUntilItIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	revoke(t, w, w.login(t, alice, w.register(t, "c_1")).ID)
	w.provider.answer = fixture.ErrDown
	failed := w.drain(t)
	if len(failed) == 0 {
		t.Fatal("an outage was taken for success")
	}
	w.wantToken(t, alice, tokenName(1))
	w.provider.answer = nil
	if again := w.drain(t, failed...); len(again) > 0 {
		t.Errorf("got %d events that fail after the outage", len(again))
	}
	w.wantToken(t, alice, "")
	w.wantRevoked(t, tokenName(1))
}

// Only the provider that gave a token can end it.
func TestTokenThatCannotBeEndedIsForgotten(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		subject string
		ready   func(w *world)
	}{
		{"given to another app", alice, func(w *world) {
			w.provider.answer = fmt.Errorf("revoke: %w", upstream.ErrTokenDead)
		}},
		{"given by another provider", "oidc:1", func(*world) {}},
		{"the provider ends none", alice, func(w *world) { w.Provider = struct{ upstream.Provider }{w.provider} }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.ready(w)
			revoke(t, w, w.login(t, test.subject, w.register(t, "c_1")).ID)
			if failed := w.drain(t); len(failed) > 0 {
				t.Errorf("got %d events that fail", len(failed))
			}
			w.wantToken(t, test.subject, "")
			w.wantRevoked(t)
			if !strings.Contains(w.Lines.String(), "without being revoked") {
				t.Errorf("the log does not say so:\n%s", w.Lines)
			}
		})
	}
}

// An event of what is not there any more, or never was, decides nothing (SC-18).
func TestEventOfADocumentThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.login(t, alice, w.register(t, "c_1"))
	w.drain(t)
	before := w.Kept(t)
	gone, person := store.GrantDocument("gone"), map[string]string{"person": store.PersonDocument(alice)}
	for _, change := range []Change{
		{Collection: "grants", Document: gone},
		{Collection: "grants", Document: gone, OldIndex: person},
		{Collection: "grants", Document: gone, OldIndex: person, Deleted: true},
		{Collection: "grants", Document: gone, Deleted: true},
		{Collection: "grants", Document: gone, OldIndex: map[string]string{"person": "../people"}, Deleted: true},
		{Collection: "grants", Document: gone, OldIndex: map[string]string{"person": gone}, Deleted: true},
		{Collection: "clients", Document: gone, Deleted: true},
		{Collection: "codes", Document: gone, OldIndex: person, Deleted: true},
		{Collection: "people", Document: gone, Deleted: true},
		{Collection: "strangers", Document: gone, Deleted: true},
		{Collection: "grants", Document: "short", Deleted: true},
		{Collection: "", Document: ""},
	} {
		if err := w.Handle(t.Context(), change); err != nil {
			t.Errorf("%+v: got %v, want no error", change, err)
		}
	}
	wantSame(t, before, w.Kept(t))
	w.wantToken(t, alice, tokenName(1))
}

// A person signs in at whatever moment of the cascade: the new token stays, at the
// provider too.
func TestSignInMeanwhileKeepsItsToken(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		for skip := 0; ; skip++ {
			w := newWorld(t)
			c := w.register(t, "c_1")
			revoke(t, w, w.login(t, alice, c).ID)
			queue := w.events(t)
			var red store.Redemption
			w.Faults.Arm(fixture.Fault{Skip: skip, Late: late, Happen: func() {
				code, err := w.signIn(t.Context(), alice, c.ID)
				if err == nil && skip%2 == 0 { // half of them come all the way at once
					red, err = w.redeem(t.Context(), code, c)
				}
				if err != nil {
					t.Errorf("sign in at step %d: %v", skip, err)
				}
			}})
			failed := w.drain(t, queue...)
			if !w.Faults.Disarm() {
				if skip < 8 {
					t.Errorf("only %d steps were seen", skip)
				}
				break
			}
			w.wantToken(t, alice, tokenName(2))
			if red.Grant.ID != "" {
				w.drain(t, failed...)
				w.wantToken(t, alice, tokenName(2))
			}
		}
	}
}

// A code becomes a grant at whatever moment of the cascade.
func TestRedemptionMeanwhileKeepsItsToken(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		for skip := 0; ; skip++ {
			w := newWorld(t)
			c := w.register(t, "c_1")
			g := w.login(t, alice, c)
			code, err := w.signIn(t.Context(), alice, c.ID)
			if err != nil {
				t.Fatal(err)
			}
			w.events(t)
			revoke(t, w, g.ID)
			w.Faults.Arm(fixture.Fault{Skip: skip, Late: late, Happen: func() {
				if _, err := w.redeem(t.Context(), code, c); err != nil {
					t.Errorf("redeem at step %d: %v", skip, err)
				}
			}})
			failed := w.drain(t)
			if !w.Faults.Disarm() {
				break
			}
			w.drain(t, failed...)
			w.wantToken(t, alice, tokenName(2))
		}
	}
}

// While a code may become a grant nobody knows; the platform is asked to come again.
func TestPendingSignInIsDeliveredAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.register(t, "c_1")
	g := w.login(t, alice, c)
	if _, err := w.signIn(t.Context(), alice, c.ID); err != nil {
		t.Fatal(err)
	}
	revoke(t, w, g.ID)
	change := Change{Collection: "grants", Document: store.GrantDocument(g.ID)}
	if err := w.Handle(t.Context(), change); !errors.Is(err, store.ErrSignInPending) {
		t.Errorf("got %v, want ErrSignInPending", err)
	}
	w.wantToken(t, alice, tokenName(2))
	w.Clock.Advance(2 * codeTTL)
	if err := w.Handle(t.Context(), change); err != nil {
		t.Errorf("got %v after the code expired", err)
	}
	w.wantToken(t, alice, "")
	w.wantRevoked(t, tokenName(2))
}

// A sign-in that brings a new token ends the one before: GitHub keeps ten (K1).
func TestReplacedTokenIsEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.register(t, "c_1")
	for range 12 {
		w.login(t, alice, c)
	}
	if failed := w.drain(t); len(failed) > 0 {
		t.Errorf("got %d events that fail", len(failed))
	}
	w.wantToken(t, alice, tokenName(12))
	if got := len(w.provider.revoked); got != 11 {
		t.Errorf("got %d tokens ended, want the 11 before the newest", got)
	}
	got := strings.Count(w.Lines.String(), `"event":"upstream_token.replaced"`)
	if got != 11 || strings.Contains(w.Lines.String(), "without being revoked") {
		t.Errorf("got %d audit lines, want 11:\n%s", got, w.Lines)
	}
}

// The token that is kept is never ended, whatever an event says was before: a backup was
// restored, the provider gave the same token again, or somebody made the event up.
func TestKeptTokenIsNeverTakenForAReplacedOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.register(t, "c_1")
	person := driver.Key{Collection: "people", ID: store.PersonDocument(alice)}
	w.login(t, alice, c)
	first := w.Kept(t)[person]
	w.login(t, alice, c)
	second := w.Kept(t)[person]
	w.login(t, bob, c)
	w.drain(t)
	w.put(t, person, first)
	before := maps.Clone(w.provider.revoked)
	bobs := driver.Key{Collection: "people", ID: store.PersonDocument(bob)}
	for name, change := range map[string]Change{
		"late, after a restore": {Body: second.Body, OldBody: first.Body},
		"only seen again":       {Body: first.Body, OldBody: first.Body},
		"of another person":     {Body: first.Body, OldBody: w.Kept(t)[bobs].Body},
		"no account":            {Body: first.Body, OldBody: "gAAAAA"},
		"created":               {Body: first.Body},
		"no bodies":             {},
	} {
		change.Collection, change.Document = "people", person.ID
		if err := w.Handle(t.Context(), change); err != nil {
			t.Errorf("%s: got %v, want no error", name, err)
		}
	}
	if diff := cmp.Diff(before, w.provider.revoked); diff != "" {
		t.Errorf("the provider heard (-before +after):\n%s", diff)
	}
	w.wantToken(t, bob, tokenName(3))
}

// A token that was exchanged for a newer one of the same sign-in is gone at the provider, and to revoke it might
// end its successor (UP-24).
func TestARenewedTokenIsNotRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.register(t, "c_1")
	w.login(t, alice, c)
	w.drain(t)
	account, err := w.Store.Account(t.Context(), alice)
	fixture.Must(t, err)
	for _, name := range []string{"first", "second", "third"} {
		next, err := upstream.Token{AccessToken: credential.Wrap(name), SignIn: "one"}.Marshal()
		fixture.Must(t, err)
		kept, err := w.Store.KeepRenewed(t.Context(), alice, account.UpstreamToken, next)
		fixture.Must(t, err)
		if !kept {
			t.Fatal("the token was not kept")
		}
		account.UpstreamToken = next
	}
	w.drain(t)
	w.wantRevoked(t, tokenName(1)) // of the sign-in before
}

// put writes a document as somebody with access to the database would.
func (w *world) put(t testing.TB, k driver.Key, d driver.Document) {
	t.Helper()
	fixture.Must(t, w.Memory.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		return tx.Set(k, d)
	}))
}

// One grant that no key opens does not keep the person's token for ever: it is left out, and
// the operator hears of it.
func TestUnreadableGrantIsLeftOutWithAnAlarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var alarms []string
	w.Store.Alarm = func(_ context.Context, collection, document string, _ error) {
		alarms = append(alarms, collection+"/"+document)
	}
	one, two := w.register(t, "c_1"), w.register(t, "c_2")
	lost, other := w.login(t, alice, one), w.login(t, alice, two)
	w.drain(t)
	w.spoil(t, driver.Key{Collection: "grants", ID: store.GrantDocument(lost.ID)})
	revoke(t, w, other.ID)
	if failed := w.drain(t); len(failed) > 0 {
		t.Errorf("got %d events that fail", len(failed))
	}
	w.wantToken(t, alice, "")
	w.wantRevoked(t, tokenName(1), tokenName(2)) // the first was replaced
	if want := "grants/" + store.GrantDocument(lost.ID); !slices.Contains(alarms, want) {
		t.Errorf("got alarms %q, want one of %s", alarms, want)
	}
}

// Nor does it keep the other grants and codes of a deleted client.
func TestUnreadableRecordsOfADeletedClientHoldNothingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.register(t, "c_1")
	lost, other := w.login(t, alice, c), w.login(t, bob, c)
	code, err := w.signIn(t.Context(), "github:3", c.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.spoil(t, driver.Key{Collection: "grants", ID: store.GrantDocument(lost.ID)})
	w.spoil(t, driver.Key{Collection: "codes", ID: code.Hash()})
	deleteClient(t, w, c.ID)
	if failed := w.drain(t); len(failed) > 0 {
		t.Errorf("got %d events that fail", len(failed))
	}
	if g, err := w.Store.Grant(t.Context(), other.ID); err != nil || g.Revoked.IsZero() {
		t.Errorf("the grant that can be read: got revoked %v, %v, want it ended", g.Revoked, err)
	}
	w.wantToken(t, bob, "")
}

// spoil makes a document one that no key opens, as after the loss of its key.
func (w *world) spoil(t testing.TB, k driver.Key) {
	t.Helper()
	d, err := w.Memory.Get(t.Context(), k)
	fixture.Must(t, err)
	d.Body = fernet.Keyring{fernet.GenerateKey()}.Encrypt([]byte("x"), w.Clock.Now())
	w.put(t, k, d)
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]Config{"Store": {Provider: w.provider}, "Provider": {Store: w.Store}} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error that names %s", err, name)
		}
	}
}
