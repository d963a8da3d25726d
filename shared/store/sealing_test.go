package store_test

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/fixture"
)

// Somebody who reads the whole database reads no credential, no client id and nothing about a
// person (AC-10, AT-07, SC-10, GEN-06).
func TestDatabaseHoldsNothingReadable(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	secret := credential.New("cs_")
	c := fixture.PublicClient("c_client-id")
	c.SecretHash = secret.Hash()
	c, err := h.RegisterClient(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	code := h.issue(t, c.ID)
	fresh := h.issue(t, c.ID)
	red := h.redeem(t, code, c)
	next := h.rotate(t, red.Refresh, c.ID)
	hidden := []string{
		secret.Reveal(), secret.Hash(), "c_client-id", code.Reveal(), fresh.Reveal(), red.Refresh.Reveal(),
		next.Refresh.Reveal(), red.Grant.ID, "octocat", "583231", "upstream-token", "example.com", "127.0.0.1",
		`"scopes"`,
	}
	id := regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	all := h.Kept(t)
	if len(all) != 5 {
		t.Fatalf("got %d documents, want 5", len(all))
	}
	for k, d := range all {
		if !id.MatchString(k.ID) {
			t.Errorf("%s has id %q, want a hash", k.Collection, k.ID)
		}
		raw, err := base64.URLEncoding.DecodeString(d.Body)
		if err != nil {
			t.Fatalf("%s: body is no Fernet token: %v", k.Collection, err)
		}
		var text strings.Builder
		text.WriteString(k.ID + "\n" + d.Body + "\n" + string(raw))
		for name, value := range d.Index {
			if !id.MatchString(value) {
				t.Errorf("%s index %s is %q, want a hash", k.Collection, name, value)
			}
			text.WriteString("\n" + value)
		}
		for _, s := range hidden {
			if strings.Contains(text.String(), s) {
				t.Errorf("%s shows %q", k.Collection, s)
			}
		}
	}
}

// A furnished house has two of everything.
func furnished(t *testing.T) (*house, []store.Redemption) {
	t.Helper()
	h := newHouse(t)
	var reds []store.Redemption
	for i, id := range []string{"c_1", "c_2"} {
		l := h.newLogin(h.register(t, id).ID)
		l.Record.Person.Subject = []string{"github:1", "github:2"}[i]
		if err := h.IssueCode(t.Context(), l, fixture.AnyClient); err != nil {
			t.Fatal(err)
		}
		c, err := h.Client(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		reds = append(reds, h.redeem(t, l.Code, c))
	}
	return h, reds
}

// reads are all the ways in which the store opens a document.
func reads(t *testing.T, h *house, collection string, reds []store.Redemption) map[string]error {
	t.Helper()
	errs := map[string]error{}
	ctx := t.Context()
	switch collection {
	case "clients":
		_, errs["Client"] = h.Client(ctx, "c_1")
		_, errs["UpdateClient"] = h.UpdateClient(ctx, "c_1", func(*store.Client) error { return nil })
		errs["DeleteClient"] = h.DeleteClient(ctx, "c_1", nil)
		errs["IssueCode"] = h.IssueCode(ctx, h.newLogin("c_1"), fixture.AnyClient)
		errs["Clients"] = firstError(h.Clients(ctx))
	case "grants":
		_, errs["Grant"] = h.Grant(ctx, reds[0].Grant.ID)
		_, errs["LiveGrant"] = h.LiveGrant(ctx, reds[0].Grant.ID)
		_, errs["Rotate"] = h.Rotate(ctx, reds[0].Refresh, "c_1", allowGrant)
		errs["RevokeGrant"] = h.RevokeGrant(ctx, reds[0].Grant.ID, "test", nil)
		errs["Grants"] = firstError(h.Grants(ctx))
	case "people":
		_, errs["Account"] = h.Account(ctx, "github:1")
		errs["Accounts"] = firstError(h.Accounts(ctx))
	}
	return errs
}

func firstError[R any](seq func(func(R, error) bool)) error {
	var first error
	seq(func(_ R, err error) bool { first = err; return err == nil })
	return first
}

// Two documents of a collection change places, whole or only their bodies (SC-01).
func TestSwappedDocumentsDoNotOpen(t *testing.T) {
	t.Parallel()
	for _, collection := range []string{"clients", "grants", "people"} {
		for _, whole := range []bool{true, false} {
			h, reds := furnished(t)
			all := h.Kept(t)
			keys := sortedKeys(all, collection)
			if len(keys) != 2 {
				t.Fatalf("%s: got %d documents, want 2", collection, len(keys))
			}
			a, b := all[keys[0]], all[keys[1]]
			if !whole {
				a.Index, b.Index = b.Index, a.Index
			}
			h.put(t, keys[0], b)
			h.put(t, keys[1], a)
			for name, err := range reads(t, h, collection, reds) {
				if !errors.Is(err, store.ErrTampered) || errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s, whole %v: %s gives %v, want ErrTampered", collection, whole, name, err)
				}
			}
		}
	}
}

// A code that is put in another's place gives nothing to its holder (SC-01).
func TestSwappedCodesAreNotRedeemed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	a, b := h.issue(t, c.ID), h.issue(t, c.ID)
	da, db := h.document(t, codeKey(a)), h.document(t, codeKey(b))
	h.put(t, codeKey(a), db)
	h.put(t, codeKey(b), da)
	for _, code := range []credential.Secret{a, b} {
		if _, _, err := h.RedeemCode(t.Context(), code, "", c, fixture.AnyCode); !errors.Is(err, store.ErrTampered) {
			t.Errorf("got %v, want ErrTampered", err)
		}
	}
}

// What is sealed for one collection does not open in another (SC-01).
func TestDocumentOfAnotherCollectionDoesNotOpen(t *testing.T) {
	t.Parallel()
	h, reds := furnished(t)
	grant := h.document(t, grantKey(reds[0].Grant.ID))
	h.put(t, clientKey("c_1"), driver.Document{Body: grant.Body})
	if _, err := h.Client(t.Context(), "c_1"); !errors.Is(err, store.ErrTampered) {
		t.Errorf("got %v, want ErrTampered", err)
	}
}

// What stands outside the envelope is compared when it is opened (SC-02).
func TestEditedIndexDoesNotOpen(t *testing.T) {
	t.Parallel()
	edits := map[string]func(map[string]string){
		"client of another": func(m map[string]string) { m["client"] = store.ClientDocument("c_2") },
		"person of another": func(m map[string]string) { m["person"] = store.PersonDocument("github:2") },
		"entry more":        func(m map[string]string) { m["more"] = "x" },
		"entry less":        func(m map[string]string) { delete(m, "client") },
		"none":              func(m map[string]string) { clear(m) },
	}
	for name, edit := range edits {
		h, reds := furnished(t)
		k := grantKey(reds[0].Grant.ID)
		d := h.document(t, k)
		d.Index = maps.Clone(d.Index)
		edit(d.Index)
		h.put(t, k, d)
		for verb, err := range reads(t, h, "grants", reds) {
			if verb == "Grants" && err == nil {
				t.Errorf("%s: the list hides it", name)
			}
			if verb != "Grants" && !errors.Is(err, store.ErrTampered) {
				t.Errorf("%s: %s gives %v, want ErrTampered", name, verb, err)
			}
		}
		// Nor can a grant be planted among those of another.
		if name == "client of another" {
			err := firstError(h.GrantsOfClient(t.Context(), store.ClientDocument("c_2")))
			if !errors.Is(err, store.ErrTampered) {
				t.Errorf("planted grant: got %v, want ErrTampered", err)
			}
		}
	}
	h, reds := furnished(t)
	d := h.document(t, clientKey("c_1"))
	d.Index = map[string]string{"client": "x"}
	h.put(t, clientKey("c_1"), d)
	for verb, err := range reads(t, h, "clients", reds) {
		if !errors.Is(err, store.ErrTampered) {
			t.Errorf("client: %s gives %v, want ErrTampered", verb, err)
		}
	}
}

// The keeper's time of deletion decides nothing (SC-04, SC-12).
func TestEditedDeletionTimeChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	h.register(t, "c_unused")
	red := h.login(t, c)
	code := h.issue(t, c.ID)
	for k, d := range h.Kept(t) {
		d.DeleteAfter = h.Clock.Now().Add(1000 * 24 * time.Hour)
		h.put(t, k, d)
	}
	h.Clock.Advance(codeTTL)
	_, _, err := h.RedeemCode(t.Context(), code, "", c, fixture.AnyCode)
	wantInvalidGrant(t, "expired code", err)
	h.Clock.Advance(unused)
	if _, err := h.Client(t.Context(), "c_unused"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unused client: got %v, want ErrNotFound", err)
	}
	h.Clock.Advance(grantTTL)
	_, err = h.Rotate(t.Context(), red.Refresh, c.ID, allowGrant)
	wantInvalidGrant(t, "expired grant", err)
	h.wantEnded(t, red.Grant.ID)
}

// An old document of a used code is put back (SC-03).
func TestRestoredCodeIsNotRedeemedAgain(t *testing.T) {
	t.Parallel()
	for name, revoke := range map[string]bool{"its grant lives": false, "its grant was revoked": true} {
		h := newHouse(t)
		c := h.register(t, "c_1")
		code := h.issue(t, c.ID)
		old := h.document(t, codeKey(code))
		red := h.redeem(t, code, c)
		if revoke {
			if err := h.RevokeGrant(t.Context(), red.Grant.ID, "test", nil); err != nil {
				t.Fatal(err)
			}
		}
		h.put(t, codeKey(code), old)
		got, replayed, err := h.RedeemCode(t.Context(), code, "", c, fixture.AnyCode)
		wantInvalidGrant(t, name, err)
		if !replayed || !errors.Is(err, store.ErrTampered) || got.Grant.ID != "" {
			t.Errorf("%s: got replayed %v, %v; want an alarm", name, replayed, err)
		}
		if n := len(sortedKeys(h.Kept(t), "grants")); n != 1 {
			t.Errorf("%s: got %d grants, want 1", name, n)
		}
		if revoke {
			h.wantEnded(t, red.Grant.ID)
		}
	}
}

// An old document of a grant is put back, by an operator who restores a backup: the token
// that its client holds proves that the document is old, and the grant goes on (SC-03).
func TestRestoredGrantGoesForwardToItsToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	red := h.login(t, c)
	old := h.document(t, grantKey(red.Grant.ID))
	token := red.Refresh
	for range 4 {
		h.Clock.Advance(time.Hour)
		token = h.rotate(t, token, c.ID).Refresh
	}
	h.put(t, grantKey(red.Grant.ID), old)
	rot := h.rotate(t, token, c.ID)
	if !rot.Rotated || rot.Forwarded != 4 || rot.Grant.Refresh.Generation != 6 {
		t.Errorf("got rotated %v, forwarded %d to generation %d, want by 4 to 5 and rotated to 6",
			rot.Rotated, rot.Forwarded, rot.Grant.Refresh.Generation)
	}
	again := h.rotate(t, token, c.ID)
	if again.Rotated || again.Forwarded != 0 || again.Refresh.Reveal() != rot.Refresh.Reveal() {
		t.Error("the repeat within the grace did not get the same successor")
	}
	if next := h.rotate(t, rot.Refresh, c.ID); next.Forwarded != 0 {
		t.Errorf("got forwarded %d again, want the record to have caught up", next.Forwarded)
	}
	h.wantLive(t, red.Grant.ID)
}

// What was rotated is spent whatever is put back: before the restored document, as its
// newest, and after it. Presented after the client's own token, each ends the grant (SC-03,
// RT-01).
func TestRestoredGrantStillDetectsReuse(t *testing.T) {
	t.Parallel()
	for stolen := range 4 { // the client holds generation 5; the document that is put back has 3
		h := newHouse(t)
		c := h.register(t, "c_1")
		red := h.login(t, c)
		tokens := []credential.Secret{red.Refresh}
		var old driver.Document
		for i := range 4 {
			if i == 2 {
				old = h.document(t, grantKey(red.Grant.ID))
			}
			h.Clock.Advance(time.Second) // a rotation's entry in the record is shared with its neighbours
			tokens = append(tokens, h.rotate(t, tokens[i], c.ID).Refresh)
		}
		h.put(t, grantKey(red.Grant.ID), old)
		h.Clock.Advance(grace)
		h.rotate(t, tokens[4], c.ID)
		rot, err := h.Rotate(t.Context(), tokens[stolen], c.ID, allowGrant)
		if wantInvalidGrant(t, "a spent token", err); !rot.Reused {
			t.Errorf("generation %d: got no reuse, want one", stolen+1)
		}
		h.wantEnded(t, red.Grant.ID)
	}
}

// Whoever puts an old document back and holds a token of its time gets in as they would have
// then. The client's own token passes them over, and their next step is reuse (SC-03).
func TestThiefWithAnOldTokenAndItsDocumentIsFound(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	red := h.login(t, c)
	old, stolen, token := h.document(t, grantKey(red.Grant.ID)), red.Refresh, red.Refresh
	for range 3 {
		token = h.rotate(t, token, c.ID).Refresh
	}
	h.Clock.Advance(time.Hour)
	h.put(t, grantKey(red.Grant.ID), old)
	theirs := h.rotate(t, stolen, c.ID).Refresh
	if rot := h.rotate(t, token, c.ID); rot.Forwarded != 2 {
		t.Errorf("got forwarded %d, want 2: what the operator sees", rot.Forwarded)
	}
	h.Clock.Advance(grace)
	rot, err := h.Rotate(t.Context(), theirs, c.ID, allowGrant)
	if wantInvalidGrant(t, "the thief's token", err); !rot.Reused {
		t.Error("got no reuse, want one")
	}
	h.wantEnded(t, red.Grant.ID)
}

// A key that is not there is an error, never "not found" (M4, SC-07).
func TestUnknownKeyIsAnErrorNotAbsence(t *testing.T) {
	t.Parallel()
	h, reds := furnished(t)
	code := h.issue(t, "c_1")
	c, err := h.Client(t.Context(), "c_1")
	if err != nil {
		t.Fatal(err)
	}
	h.Sealer = fixture.Sealer(h.Clock, fernet.GenerateKey())
	h.Store = h.over(t, h.Memory, grace)
	for _, collection := range []string{"clients", "grants", "people"} {
		for name, err := range reads(t, h, collection, reds) {
			if !errors.Is(err, seal.ErrUnreadable) || isVerdict(err) {
				t.Errorf("%s: got %v, want ErrUnreadable and no verdict", name, err)
			}
		}
	}
	_, _, err = h.RedeemCode(t.Context(), code, "", c, fixture.AnyCode)
	if !errors.Is(err, seal.ErrUnreadable) || isVerdict(err) {
		t.Errorf("RedeemCode: got %v, want ErrUnreadable and no verdict", err)
	}
}

// No keys at all is a fault too, for reading as for writing (SC-09).
func TestMissingKeysAreAFault(t *testing.T) {
	t.Parallel()
	h, reds := furnished(t)
	quiet := slog.New(slog.NewTextHandler(t.Output(), nil))
	absent := keyfile.New(t.TempDir()+"/absent", fernet.ParseKeyring, &keyfile.Options{Log: quiet})
	h.Sealer = seal.NewBox(absent, h.Clock.Now)
	h.Store = h.over(t, h.Memory, grace)
	for _, collection := range []string{"clients", "grants", "people"} {
		for name, err := range reads(t, h, collection, reds) {
			if err == nil || isVerdict(err) {
				t.Errorf("%s: got %v, want a fault", name, err)
			}
		}
	}
	if _, err := h.RegisterClient(t.Context(), fixture.PublicClient("c_3")); err == nil || isVerdict(err) {
		t.Errorf("RegisterClient: got %v, want a fault", err)
	}
	report, err := h.Reseal(t.Context(), "clients", "", func(string, store.ResealReport) {})
	if err == nil || report.Unreadable != 0 {
		t.Errorf("Reseal: got %+v, %v; want a fault and nothing called unreadable", report, err)
	}
}

// With the new key first and the old one behind it, all goes on (M2).
func TestOldKeyStillOpens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	older, newer := fernet.GenerateKey(), fernet.GenerateKey()
	use := func(ring ...fernet.Key) {
		h.Sealer = fixture.Sealer(h.Clock, ring...)
		h.Store = h.over(t, h.Memory, grace)
	}
	use(older)
	c := h.register(t, "c_1")
	red, code := h.login(t, c), h.issue(t, c.ID)
	use(newer, older)
	h.redeem(t, code, c)
	h.rotate(t, red.Refresh, c.ID)
	if _, err := h.Client(t.Context(), c.ID); err != nil {
		t.Error(err)
	}
}

// Every document is sealed again with the first key, in several goes, and the old key can then be
// retired (M2, M3). Nothing else of a document changes.
func TestResealCanBeInterruptedAndResumed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	older, newer := fernet.GenerateKey(), fernet.GenerateKey()
	use := func(ring ...fernet.Key) {
		h.Sealer = fixture.Sealer(h.Clock, ring...)
		h.Store = h.over(t, h.Memory, grace)
	}
	use(older)
	const n = 450 // more than two pages
	for range n {
		h.register(t, credential.New("c_").Reveal())
	}
	red := h.login(t, h.register(t, "c_1"))
	before := h.Kept(t)
	use(newer, older)

	ctx, cancel := context.WithCancel(t.Context())
	var last string
	report, err := h.Reseal(ctx, "clients", "", func(id string, r store.ResealReport) {
		last = id
		if r.Seen == 230 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || report.Resealed != 230 {
		t.Fatalf("interrupted: got %+v, %v; want 230 resealed", report, err)
	}
	report, err = h.Reseal(t.Context(), "clients", last, func(string, store.ResealReport) {})
	if want := (store.ResealReport{Seen: n + 1 - 230, Resealed: n + 1 - 230}); err != nil || report != want {
		t.Fatalf("resumed: got %+v, %v; want %+v", report, err, want)
	}
	for _, collection := range store.Collections() {
		if _, err := h.Reseal(t.Context(), collection, "", func(string, store.ResealReport) {}); err != nil {
			t.Fatal(err)
		}
	}
	report, err = h.Reseal(t.Context(), "clients", "", func(string, store.ResealReport) {})
	if want := (store.ResealReport{Seen: n + 1, Current: n + 1}); err != nil || report != want {
		t.Fatalf("again: got %+v, %v; want %+v", report, err, want)
	}
	for k, d := range h.Kept(t) {
		was := before[k]
		if was.Body == d.Body || !maps.Equal(was.Index, d.Index) || !was.DeleteAfter.Equal(d.DeleteAfter) {
			t.Fatalf("%s: got %v %v, want a new body and the rest as it was", k.Collection, d.Index, d.DeleteAfter)
		}
	}
	use(newer)
	h.rotate(t, red.Refresh, "c_1")
	if err := firstError(h.Clients(t.Context())); err != nil {
		t.Errorf("without the old key: %v", err)
	}
}

// A document that cannot be opened is counted, and the walk goes on.
func TestResealGoesOnPastWhatItCannotOpen(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	d := h.document(t, clientKey("c_1"))
	d.Body = "gAAAAA" + strings.Repeat("A", 200)
	h.put(t, clientKey("c_1"), d)
	report, err := h.Reseal(t.Context(), "clients", "", func(string, store.ResealReport) {})
	if want := (store.ResealReport{Seen: 2, Current: 1, Unreadable: 1}); err != nil || report != want {
		t.Errorf("got %+v, %v; want %+v", report, err, want)
	}
	seen := 0
	for _, err := range h.Clients(t.Context()) {
		if seen++; err != nil && !errors.Is(err, seal.ErrUnreadable) {
			t.Errorf("got %v", err)
		}
	}
	if seen != 2 {
		t.Errorf("the list shows %d, want 2", seen)
	}
}

// A record that changes while it is being resealed keeps the change.
func TestResealLosesNoChange(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	older, newer := fernet.GenerateKey(), fernet.GenerateKey()
	h.Sealer = fixture.Sealer(h.Clock, older)
	h.Store = h.over(t, h.Memory, grace)
	c := h.register(t, "c_1")
	token := h.login(t, c).Refresh
	h.Sealer = fixture.Sealer(h.Clock, newer, older)
	h.Store = h.over(t, h.Memory, grace)
	parallel(2, func(i int) bool {
		for range 50 {
			if i == 0 {
				if _, err := h.Reseal(t.Context(), "grants", "", func(string, store.ResealReport) {}); err != nil {
					t.Error(err)
				}
				continue
			}
			rot, err := h.Rotate(t.Context(), token, c.ID, allowGrant)
			if err != nil || !rot.Rotated {
				t.Errorf("got rotated %v, %v", rot.Rotated, err)
				return false
			}
			token = rot.Refresh
		}
		return true
	})
	if !h.rotate(t, token, c.ID).Rotated {
		t.Error("the newest token is not the newest")
	}
}

// Somebody who moves a document is noticed, not only refused (SC-01, LG-07).
func TestMovedDocumentRaisesTheAlarm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(t, "c_1")
	h.register(t, "c_2")
	from := driver.Key{Collection: "clients", ID: store.ClientDocument("c_1")}
	to := driver.Key{Collection: "clients", ID: store.ClientDocument("c_2")}
	d, err := h.Memory.Get(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	put := func(_ context.Context, tx driver.Tx) error { return tx.Set(to, d) }
	if err := h.Memory.RunTransaction(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	var alarms []string
	h.Store.Alarm = func(_ context.Context, collection, document string, _ error) {
		alarms = append(alarms, collection+"/"+document)
	}
	if _, err := h.Store.Client(t.Context(), "c_2"); !errors.Is(err, store.ErrTampered) {
		t.Fatalf("moved document: got %v, want ErrTampered", err)
	}
	if want := to.Collection + "/" + to.ID; len(alarms) != 1 || alarms[0] != want {
		t.Errorf("alarms: got %v, want one for %s", alarms, want)
	}
}
