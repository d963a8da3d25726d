package cascade

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/fixture"
)

// An op is one thing that somebody does. It does the same in every world.
type op struct {
	what    string
	n       int // which client, code or grant
	subject string
	d       time.Duration
}

func randomOps(r *rand.Rand, n int) []op {
	kinds := []string{
		"register", "sign in", "sign in", "sign in", "redeem", "redeem", "redeem", "redeem late", "refresh",
		"revoke", "revoke", "delete client", "wait", "wait", "purge",
	}
	waits := []time.Duration{time.Second, 20 * time.Second, 2 * time.Minute, 25 * time.Hour, 20 * 24 * time.Hour}
	ops := []op{{what: "register"}, {what: "register"}}
	for range n {
		ops = append(ops, op{
			what: kinds[r.IntN(len(kinds))], n: r.IntN(1000),
			subject: fmt.Sprintf("github:%d", 1+r.IntN(3)), d: waits[r.IntN(len(waits))],
		})
	}
	return ops
}

// A play is a world with what its ops made, in the order in which they were made, so
// that the same op means the same thing in another world.
type play struct {
	*world
	clients []store.Client
	codes   []playedCode
	grants  []playedGrant
}

type playedCode struct {
	code   credential.Secret
	client store.Client
}

type playedGrant struct {
	id      string
	refresh credential.Secret
}

// do plays one op. What a function would refuse is refused, and no failure of the test.
func (p *play) do(t testing.TB, o op) {
	t.Helper()
	ctx := t.Context()
	switch o.what {
	case "register":
		p.clients = append(p.clients, p.register(t, fmt.Sprintf("c_%d", len(p.clients))))
	case "sign in":
		c := p.clients[o.n%len(p.clients)]
		code, _ := p.signIn(ctx, o.subject, c.ID)
		p.codes = append(p.codes, playedCode{code, c})
	case "redeem", "redeem late": // late: the client was looked up before it was deleted
		p.grants = append(p.grants, p.redeemed(t, o))
	case "refresh":
		p.refresh(t, o)
	case "revoke":
		if len(p.grants) > 0 {
			revoke(t, p.world, p.grants[o.n%len(p.grants)].id)
		}
	case "delete client":
		_ = p.Store.DeleteClient(ctx, p.clients[o.n%len(p.clients)].ID, nil)
	case "wait":
		p.Clock.Advance(o.d)
	case "purge":
		p.Memory.Purge(p.Clock.Now())
	}
}

// redeemed redeems one of the last codes. A refusal is a grant that is not there.
func (p *play) redeemed(t testing.TB, o op) playedGrant {
	if len(p.codes) == 0 {
		return playedGrant{id: "none"}
	}
	c := p.codes[len(p.codes)-1-o.n%min(3, len(p.codes))]
	if o.what == "redeem" {
		if _, err := p.Store.Client(t.Context(), c.client.ID); err != nil {
			return playedGrant{id: "none"}
		}
	}
	red, err := p.redeem(t.Context(), c.code, c.client)
	if err != nil {
		return playedGrant{id: "none"}
	}
	return playedGrant{red.Grant.ID, red.Refresh}
}

func (p *play) refresh(t testing.TB, o op) {
	if len(p.grants) == 0 {
		return
	}
	g := &p.grants[o.n%len(p.grants)]
	known, err := p.Store.LiveGrant(t.Context(), g.id)
	if err != nil {
		return
	}
	rot, err := p.Store.Rotate(t.Context(), g.refresh, known.ClientID, func(*store.Grant) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	g.refresh = rot.Refresh
}

// outcome is what must not depend on how events were delivered.
type outcome struct {
	Live    []int             // positions of the grants that live
	Tokens  map[string]string // upstream token by person
	Fresh   int               // unredeemed codes
	Clients int
}

func (p *play) outcome(t testing.TB) outcome {
	t.Helper()
	out := outcome{Tokens: map[string]string{}}
	for i, g := range p.grants {
		if _, err := p.Store.LiveGrant(t.Context(), g.id); err == nil {
			out.Live = append(out.Live, i)
		}
	}
	for a, err := range p.Store.Accounts(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		out.Tokens[a.Subject] = p.token(t, a.Subject)
	}
	for c, err := range p.Store.Clients(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		out.Clients++
		for code, err := range p.Store.CodesOfClient(t.Context(), store.ClientDocument(c.ID)) {
			if err != nil {
				t.Fatal(err)
			}
			if code.Used.IsZero() {
				out.Fresh++
			}
		}
	}
	return out
}

// wantSettled checks the rules themselves: no grant and no fresh code without its client, a
// token exactly with a live grant, and every other token that was ever kept ended at the
// provider.
func (p *play) wantSettled(t testing.TB) {
	t.Helper()
	lives := map[string]bool{}
	for g, err := range p.Store.Grants(t.Context()) {
		exists, existsErr := p.Store.ClientExists(t.Context(), store.ClientDocument(g.ClientID))
		if err != nil || existsErr != nil {
			t.Fatal(err, existsErr)
		}
		if !g.Ended(p.Clock.Now()) {
			lives[g.Person.Subject] = true
			if !exists {
				t.Error("a grant lives without its client")
			}
		}
	}
	for a, err := range p.Store.Accounts(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		token := p.token(t, a.Subject)
		if (token != "") != lives[a.Subject] {
			t.Errorf("%s: keeps a token: %v, has a live grant: %v", a.Subject, token != "", lives[a.Subject])
		}
	}
	p.wantRevoked(t, p.past(t)...)
	for k, d := range p.kept(t) {
		if k.Collection != "codes" {
			continue
		}
		if exists, err := p.Store.ClientExists(t.Context(), d.Index["client"]); err != nil || exists {
			continue
		}
		for code, err := range p.Store.CodesOfClient(t.Context(), d.Index["client"]) {
			if err != nil {
				t.Fatal(err)
			}
			if code.Used.IsZero() {
				t.Error("an unredeemed code is there without its client")
			}
		}
	}
}

// past returns every token that was kept and is not now.
func (p *play) past(t testing.TB) []string {
	t.Helper()
	present := map[string]bool{}
	for a, err := range p.Store.Accounts(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		present[p.token(t, a.Subject)] = true
	}
	return slices.DeleteFunc(slices.Clone(p.stored), func(token string) bool { return present[token] })
}

// ordered plays ops with each event delivered once, in order, at once.
func ordered(t *testing.T, ops []op) *play {
	t.Helper()
	p := &play{world: newWorld(t)}
	var failed []driver.Change
	for _, o := range append(slices.Clone(ops), ending...) {
		p.do(t, o)
		failed = p.drain(t, failed...)
	}
	if len(failed) > 0 {
		t.Errorf("%d events fail for good", len(failed))
	}
	return p
}

// ending brings every world to rest: codes expire and the keeper removes them.
var ending = []op{{what: "wait", d: 2 * time.Hour}, {what: "purge"}}

// disorderly plays ops with each event delivered 1 to 5 times, shuffled, some after
// more than a day, and with the cascade dying at random steps.
func disorderly(t *testing.T, r *rand.Rand, ops []op) *play {
	t.Helper()
	p := &play{world: newWorld(t)}
	var waiting, seen []driver.Change
	for _, o := range append(slices.Clone(ops), ending...) {
		p.do(t, o)
		waiting = append(waiting, copies(r, p.events(t), &seen)...)
		for range r.IntN(8) {
			waiting = p.deliverOne(t, r, waiting)
		}
	}
	p.Clock.Advance(25 * time.Hour)
	for range 200 {
		waiting = p.deliverOne(t, r, append(waiting, copies(r, p.events(t), &seen)...))
	}
	r.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
	if failed := p.drain(t, waiting...); len(failed) > 0 {
		t.Errorf("%d events fail for good", len(failed))
	}
	p.wantAtRest(t, r, seen)
	return p
}

// copies returns each event 1 to 5 times.
func copies(r *rand.Rand, events []driver.Change, seen *[]driver.Change) (out []driver.Change) {
	for _, e := range events {
		*seen = append(*seen, e)
		for range 1 + r.IntN(5) {
			out = append(out, e)
		}
	}
	return out
}

// deliverOne delivers any one event, and keeps it if that failed. Every third delivery
// has a fault at some step, before or after its effect.
func (p *play) deliverOne(t testing.TB, r *rand.Rand, waiting []driver.Change) []driver.Change {
	t.Helper()
	if len(waiting) == 0 {
		return waiting
	}
	i := r.IntN(len(waiting))
	if r.IntN(3) == 0 {
		p.Faults.Arm(fixture.Fault{Skip: r.IntN(12), Late: r.IntN(2) == 0})
	}
	err := p.Handle(t.Context(), changeOf(waiting[i]))
	p.Faults.Disarm()
	if err != nil {
		return waiting
	}
	return slices.Delete(waiting, i, i+1)
}

// wantAtRest delivers all that ever happened once more: nothing may change, and the
// provider hears of no token that has not ended long ago.
func (p *play) wantAtRest(t testing.TB, r *rand.Rand, seen []driver.Change) {
	t.Helper()
	before, revoked := p.kept(t), maps.Clone(p.provider.revoked)
	r.Shuffle(len(seen), func(i, j int) { seen[i], seen[j] = seen[j], seen[i] })
	for _, e := range seen {
		handle(t, p.world, e)
	}
	wantSame(t, before, p.kept(t))
	for token := range p.provider.revoked {
		if revoked[token] == 0 {
			t.Errorf("an old event ended %s", token)
		}
	}
}

func wantSame(t testing.TB, before, after map[driver.Key]driver.Document) {
	t.Helper()
	if len(before) != len(after) {
		t.Errorf("got %d documents, want %d", len(after), len(before))
	}
	for k, d := range after {
		if !d.Equal(before[k]) {
			t.Errorf("%s/%s was written", k.Collection, k.ID)
		}
	}
}

// Whatever the order, number and age of events, and wherever the cascade dies, the end is that of
// one ordered delivery (SC-17, SC-18).
func TestDisorderEndsAsOrderDoes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 20))
			ops := randomOps(r, 60)
			want, got := ordered(t, ops), disorderly(t, r, ops)
			want.Clock.Set(got.Clock.Now())
			if diff := cmp.Diff(want.outcome(t), got.outcome(t)); diff != "" {
				t.Errorf("order (-) and disorder (+) end differently:\n%s", diff)
			}
			want.wantSettled(t)
			got.wantSettled(t)
		})
	}
}

// A story ends with what the cascade has to follow up; all before it is settled.
type story struct {
	name  string
	least int // steps of the store and the provider that there are
	begin func(t *testing.T, w *world) (end func())
}

var stories = []story{
	{"last grant revoked", 8, func(t *testing.T, w *world) func() {
		g := w.login(t, alice, w.register(t, "c_1"))
		return func() { revoke(t, w, g.ID) }
	}},
	{"signed in again", 4, func(t *testing.T, w *world) func() {
		c := w.register(t, "c_1")
		w.login(t, alice, c)
		return func() { w.login(t, alice, c) }
	}},
	{"client deleted", 8, func(t *testing.T, w *world) func() {
		c := w.register(t, "c_1")
		w.login(t, alice, c)
		w.login(t, bob, c)
		if _, err := w.signIn(t.Context(), "github:3", c.ID); err != nil {
			t.Fatal(err)
		}
		return func() { deleteClient(t, w, c.ID) }
	}},
}

// The cascade dies before or after each single step and is started again (SC-17).
func TestDeathBetweenAnyTwoStepsChangesNothing(t *testing.T) {
	t.Parallel()
	for _, s := range stories {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s late=%v", s.name, late), func(t *testing.T) {
				t.Parallel()
				steps := 0
				for s.dies(t, steps, late) {
					steps++
				}
				if steps < s.least {
					t.Errorf("only %d steps were seen", steps)
				}
			})
		}
	}
}

// dies plays a story with a death at one step, and reports whether there is such a step.
func (s story) dies(t *testing.T, skip int, late bool) bool {
	t.Helper()
	p := &play{world: newWorld(t)}
	end := s.begin(t, p.world)
	p.drain(t)
	end()
	p.Faults.Arm(fixture.Fault{Skip: skip, Late: late})
	failed := p.drain(t)
	died := p.Faults.Disarm()
	if again := p.drain(t, failed...); len(again) > 0 {
		t.Errorf("death at step %d: %d events fail for good", skip, len(again))
	}
	p.wantSettled(t)
	return died
}
