package driver

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// A stub is a keeper of one document that stays as long as it was told to.
type stub struct {
	Driver
	doc  *Document
	down error
	tx   func(ctx context.Context) error
}

func (s *stub) Get(context.Context, Key) (Document, error) {
	if s.down != nil {
		return Document{}, s.down
	}
	if s.doc == nil {
		return Document{}, ErrNotFound
	}
	return *s.doc, nil
}

func (s *stub) List(context.Context, Query) ([]Record, error) { return nil, nil }
func (s *stub) Create(context.Context, Key, Document) error   { return nil }

func (s *stub) phase(p Phase) {
	s.doc = &Document{Body: fmt.Sprintf(`{"copy":"c","phase":%q}`, p)}
}

func (s *stub) RunTransaction(ctx context.Context, _ func(context.Context, Tx) error) error {
	if s.tx == nil {
		return nil
	}
	return s.tx(ctx)
}

// calls makes one call of each kind, and returns the errors of reads and of writes.
func calls(ctx context.Context, d Driver) (reads, writes [2]error) {
	_, reads[0] = d.Get(ctx, Key{Collection: "clients", ID: "c"})
	_, reads[1] = d.List(ctx, Query{Collection: "clients", Limit: 1})
	writes[0] = d.Create(ctx, Key{Collection: "clients", ID: "c"}, Document{})
	writes[1] = d.RunTransaction(ctx, nil)
	return reads, writes
}

// Each phase lets through what it says, in every kind of call.
func TestGuardKeepsToThePhase(t *testing.T) {
	t.Parallel()
	for p, want := range map[Phase]struct{ read, write bool }{
		"": {true, true}, InUse: {true, true}, Filling: {}, Closed: {read: true}, Moved: {}, "unknown": {},
	} {
		s := &stub{}
		if s.phase(p); p == "" {
			s.doc = nil
		}
		reads, writes := calls(t.Context(), Guard(s))
		for i := range 2 {
			switch {
			case p != "" && want.read && errors.Is(reads[i], ErrMoving), !want.read && !errors.Is(reads[i], ErrMoving):
				t.Errorf("%q: read %d: got %v, want it answered: %v", p, i, reads[i], want.read)
			case want.write == errors.Is(writes[i], ErrMoving):
				t.Errorf("%q: write %d: got %v, want it done: %v", p, i, writes[i], want.write)
			}
			if errors.Is(reads[i], ErrMoving) && errors.Is(reads[i], ErrNotFound) {
				t.Errorf("%q: got %v, which says that there is nothing", p, reads[i])
			}
		}
	}
}

// A store whose phase cannot be known is not used: a fault, and no answer.
func TestGuardRefusesWhatItCannotKnow(t *testing.T) {
	t.Parallel()
	down := errors.New("connection refused")
	for name, s := range map[string]*stub{
		"down": {down: down}, "malformed": {doc: &Document{Body: "?"}},
	} {
		reads, writes := calls(t.Context(), Guard(s))
		for _, err := range append(reads[:], writes[:]...) {
			if err == nil || errors.Is(err, ErrNotFound) {
				t.Errorf("%s: got %v, want a fault", name, err)
			}
		}
	}
}

// Within Settle after a store is closed the last write is over, whatever it waits for.
func TestTheLastWriteIsOverWithinSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stub{tx: func(ctx context.Context) error { // a keeper that never answers
			<-ctx.Done()
			return ctx.Err()
		}}
		g := Guard(s)
		if _, err := g.List(t.Context(), Query{Collection: "clients", Limit: 1}); err != nil { // a look
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		s.phase(Closed)
		closed := time.Now()
		time.Sleep(lookEvery - 2*time.Millisecond) // the last moment at which the look still counts
		if err := g.RunTransaction(t.Context(), nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a call that was let through and bounded", err)
		}
		if took := time.Since(closed); took >= Settle {
			t.Errorf("the last write was over after %s, want less than %s", took, Settle)
		}
		if err := g.RunTransaction(t.Context(), nil); !errors.Is(err, ErrMoving) {
			t.Errorf("after that: got %v, want ErrMoving", err)
		}
	})
}
