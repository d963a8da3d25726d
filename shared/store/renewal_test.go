package store_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/fixture"
)

// One at a time exchanges a person's token, and only the one that is kept. Whoever finds an exchange that
// nobody ended knows that its outcome is unknown, unless the newer token is there (UP-24).
func TestOneRenewalAtATime(t *testing.T) {
	t.Parallel()
	b := fixture.New()
	s := b.Open(t, store.Lifetimes{})
	ctx, lease := t.Context(), 15*time.Second
	l := b.Login("c_renewal")
	l.UpstreamToken = []byte("first")
	_, err := s.RegisterClient(ctx, store.Client{ID: "c_renewal"})
	fixture.Must(t, err)
	fixture.Must(t, s.IssueCode(ctx, l, fixture.AnyClient))
	subject := l.Record.Person.Subject
	begin := func(what, token string, want, wantLost bool) {
		t.Helper()
		_, begun, lost, err := s.BeginRenewal(ctx, subject, []byte(token), lease)
		if err != nil || begun != want || lost != wantLost {
			t.Errorf("%s: got begun %t, lost %t, %v; want %t, %t", what, begun, lost, err, want, wantLost)
		}
	}
	begin("another token", "other", false, false)
	begin("no token", "", false, false)
	begin("the token", "first", true, false)
	begin("while it lasts", "first", false, false)
	b.Clock.Advance(lease)
	begin("never ended", "first", true, true)
	kept, err := s.KeepRenewed(ctx, subject, []byte("first"), []byte("second"))
	if err != nil || !kept {
		t.Errorf("keep: got %t, %v", kept, err)
	}
	begin("kept, and still being asked about", "second", false, false)
	b.Clock.Advance(lease)
	begin("kept and never ended", "second", true, false)
	fixture.Must(t, s.EndRenewal(ctx, subject, []byte("second"), nil, true))
	begin("ended, nobody knows how", "second", true, true)
	mona := store.Person{Subject: subject, Login: "mona", AllowedBy: "anyone", Checked: b.Clock.Now().UTC()}
	fixture.Must(t, s.EndRenewal(ctx, subject, []byte("second"), &mona, false))
	begin("ended well", "second", true, false)
	if a, err := s.Account(ctx, subject); err != nil || !reflect.DeepEqual(a.Person, mona) {
		t.Errorf("got %+v, %v; want who was asked about", a.Person, err)
	}
	again := b.Login("c_renewal")
	again.UpstreamToken = []byte("of a sign-in")
	fixture.Must(t, s.IssueCode(ctx, again, fixture.AnyClient))
	if kept, err := s.KeepRenewed(ctx, subject, []byte("second"), []byte("third")); err != nil || kept {
		t.Errorf("keep after a sign-in: got %t, %v", kept, err)
	}
	fixture.Must(t, s.EndRenewal(ctx, subject, []byte("second"), &store.Person{}, true))
	a, err := s.Account(ctx, subject)
	if err != nil || string(a.UpstreamToken) != "of a sign-in" || a.Renewal != nil || a.Subject != subject {
		t.Errorf("got %+v, %v; want the sign-in's token, untouched", a, err)
	}
}
