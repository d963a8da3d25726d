package cascade

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/store/postgresdriver"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/postgres"
)

func TestMain(m *testing.M) { os.Exit(postgres.Run(m)) }

// A queued is a play over PostgreSQL, whose cascade takes changes from the queue itself.
type queued struct {
	*play
	queue fixture.Faulty
	sql   func(statement string)
}

func newQueued(t *testing.T) *queued {
	t.Helper()
	s := postgres.Shared(t)
	url := s.Database(t)
	name := strings.TrimPrefix(url, "postgres:")
	_, err := postgresdriver.Migrate(t.Context(), name, nil, postgresdriver.Options{})
	fixture.Must(t, err)
	d, err := postgresdriver.Open(t.Context(), name, nil)
	fixture.Must(t, err)
	t.Cleanup(func() { _ = d.Close() })
	w := &world{Base: fixture.New()}
	queue := fixture.Faulty{Driver: d, Queue: d, Faults: w.Faults}
	w.over(t, queue)
	address, _, _ := strings.Cut(url, "?")
	database := address[strings.LastIndex(address, "/")+1:]
	return &queued{&play{world: w}, queue, func(statement string) { s.Exec(t, database, statement) }}
}

// do plays one op. The keeper of this store removes documents by a clock of its own.
func (p *queued) do(t testing.TB, o op) {
	t.Helper()
	if o.what != "purge" {
		p.play.do(t, o)
		return
	}
	past := p.Clock.Now().UTC().Format(time.RFC3339Nano)
	p.sql("DELETE FROM postern.documents WHERE delete_after <= '" + past + "'")
}

// hurry makes all that is in the queue due, as if time had passed.
func (p *queued) hurry() { p.sql("UPDATE postern.changes SET due = now()") }

func (p *queued) left(t testing.TB) int {
	t.Helper()
	p.hurry()
	changes, err := p.queue.Queue.Take(t.Context(), 1000, 0)
	fixture.Must(t, err)
	return len(changes)
}

// drained plays ops while the cascade drains the queue now and then, and dies at random steps.
func drained(t *testing.T, r *rand.Rand, ops []op) *queued {
	t.Helper()
	p := newQueued(t)
	for _, o := range append(slices.Clone(ops), ending...) {
		p.do(t, o)
		switch r.IntN(4) {
		case 0:
			continue
		case 1:
			p.hurry()
		case 2:
			p.Faults.Arm(fixture.Fault{Skip: r.IntN(12), Late: r.IntN(2) == 0, Forever: r.IntN(2) == 0})
		}
		_ = p.Drain(t.Context(), p.queue)
		p.Faults.Disarm()
	}
	p.Clock.Advance(25 * time.Hour)
	for range 100 {
		if p.left(t) == 0 {
			return p
		}
		p.hurry()
		fixture.Must(t, p.Drain(t.Context(), p.queue))
	}
	t.Errorf("%d changes are left in the queue", p.left(t))
	return p
}

// Over a queue the end is that of one ordered delivery, too, wherever the cascade dies
// (SC-17, SC-18).
func TestDrainedQueueEndsAsOrderDoes(t *testing.T) {
	postgres.Shared(t)
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 15))
			ops := randomOps(r, 50)
			want, got := ordered(t, ops), drained(t, r, ops)
			want.Clock.Set(got.Clock.Now())
			if diff := cmp.Diff(want.outcome(t), got.outcome(t)); diff != "" {
				t.Errorf("order (-) and the queue (+) end differently:\n%s", diff)
			}
			got.wantSettled(t)
		})
	}
}

// The event of a schedule makes the function look at its queue; over a store without one it is
// ignored.
func TestDueEventDrainsTheQueue(t *testing.T) {
	p := newQueued(t)
	p.login(t, alice, p.register(t, "c_1"))
	due := cloudevent.New()
	due.SetType(DueEvent)
	for grant, err := range p.Store.Grants(t.Context()) {
		fixture.Must(t, err)
		revoke(t, p.world, grant.ID)
	}
	fixture.Must(t, receive(p.Cascade, "", nil)(t.Context(), due))
	if p.left(t) == 0 {
		t.Error("without a queue: got no changes left, want them untouched")
	}
	p.hurry()
	fixture.Must(t, receive(p.Cascade, "", p.queue)(t.Context(), due))
	if n := p.left(t); n != 0 {
		t.Errorf("got %d changes left, want none", n)
	}
	p.wantSettled(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := receive(p.Cascade, "", p.queue)(ended, due); err == nil {
		t.Error("with a store that does not answer: got no error, want one, so that it comes again")
	}
}
