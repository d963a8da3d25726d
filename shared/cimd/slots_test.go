package cimd

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// take takes a turn for a host's document, and reports whether there was one.
func take(t *testing.T, s *slots, host, source string) (release func()) {
	t.Helper()
	return s.acquire(t.Context(), parseID(t, "https://"+host+"/client.json", "https://auth.example.com"), source)
}

// Two slow hosts, or one source with many hosts, stop nobody else (SF-11).
func TestSlowHostsLeaveRoomForOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSlots()
		for n := range 2 * maxDomainFetches {
			held := take(t, s, fmt.Sprintf("h%d.slow.example", n), fmt.Sprint("source", n)) != nil
			if want := n < maxDomainFetches; held != want {
				t.Errorf("fetch %d of one registrable domain: got %t, want %t", n, held, want)
			}
		}
		for n := range 2 * maxSourceFetches {
			held := take(t, s, fmt.Sprintf("other%d.example", n), "one source") != nil
			if want := n < maxSourceFetches; held != want {
				t.Errorf("fetch %d of one source: got %t, want %t", n, held, want)
			}
		}
		if take(t, s, "honest.example", "somebody else") == nil {
			t.Error("another host and source: got no turn")
		}
	})
}

// A stranger who has no turn left, and asks for somebody's document all the time, makes nobody
// wait for that turn (SF-11).
func TestNobodyWaitsForAStrangersTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := New(Options{})
		f.outside = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			return published(r), nil
		})}
		for n := range maxSourceFetches {
			if take(t, f.slots, fmt.Sprintf("slow%d.example", n), "stranger") == nil {
				t.Fatal("the stranger got no turn")
			}
		}
		id := parseID(t, "https://honest.example/client.json", "https://auth.example.com")
		told := make(chan error)
		go func() {
			_, err := f.Client(t.Context(), id, "stranger")
			told <- err
		}()
		synctest.Wait() // the stranger waits for a turn
		began := time.Now()
		if _, err := f.Client(t.Context(), id, "somebody else"); err != nil || time.Since(began) != 0 {
			t.Errorf("got %v after %s, want the document at once", err, time.Since(began))
		}
		if err := <-told; kind(t, err) != Busy {
			t.Errorf("the stranger: got %v, want busy", err)
		}
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// published is the answer of a host that publishes a document at every address.
func published(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"client_id":%q,"client_name":"Honest","redirect_uris":["https://honest.example/cb"],`+
		`"token_endpoint_auth_method":"none"}`, r.URL)
	return w.Result()
}

// Many who ask for one document at once, each from a place of their own, have its host asked no
// more often than there are turns, and all get it (SF-11).
func TestManySourcesShareADocument(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := New(Options{})
		var asked atomic.Int64
		f.outside = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			asked.Add(1)
			time.Sleep(slotWait / 2)
			return published(r), nil
		})}
		id := parseID(t, "https://honest.example/client.json", "https://auth.example.com")
		var all sync.WaitGroup
		for n := range 4 * maxFetches {
			all.Go(func() {
				if _, err := f.Client(t.Context(), id, fmt.Sprint(n)); err != nil {
					t.Errorf("source %d: got %v, want the document", n, err)
				}
			})
		}
		all.Wait()
		if got := asked.Load(); got != maxDomainFetches {
			t.Errorf("got %d fetches, want %d", got, maxDomainFetches)
		}
	})
}

// Who has a whole IPv6 network has 65 536 sources, and still leaves room for others (SF-11).
func TestANetworkLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSlots()
		source := func(n int) string { return fmt.Sprintf("2001:db8:1:%x::/64", n) }
		for n := range 2 * maxFetches {
			held := take(t, s, fmt.Sprintf("slow%d.example", n), source(n)) != nil
			if want := n < maxNetworkFetches; held != want {
				t.Errorf("fetch %d of one network: got %t, want %t", n, held, want)
			}
		}
		if take(t, s, "honest.example", "2001:db8:2:1::/64") == nil {
			t.Error("another network: got no turn")
		}
		f := New(Options{})
		host := parseID(t, "https://claude.ai/client.json", "https://auth.example.com")
		for n := range 2 * hostBurst {
			f.allowed(host, source(n))
		}
		if !f.allowed(host, "2001:db8:2:1::/64") {
			t.Error("another network: a host may not be asked any more")
		}
	})
}

func TestTenantsOfASharedHostAreDomainsOfTheirOwn(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"a.b.example.co.uk": "example.co.uk", "claude.ai": "claude.ai", "www.claude.ai": "claude.ai",
		"one.github.io": "one.github.io", "localhost": "localhost", "127.0.0.1": "127.0.0.1",
	} {
		if got := registrable(host); got != want {
			t.Errorf("%s: got %s, want %s", host, got, want)
		}
	}
}

// Whoever finds all turns taken waits a little, and gets the first that is given back.
func TestATurnIsWaitedForALittle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSlots()
		var held []func()
		for n := range maxFetches {
			held = append(held, take(t, s, fmt.Sprintf("h%d.example", n), fmt.Sprint(n)))
		}
		began := time.Now()
		if take(t, s, "late.example", "late") != nil {
			t.Error("got a turn beyond all of them")
		}
		if got := time.Since(began); got != slotWait {
			t.Errorf("waited %s, want %s", got, slotWait)
		}
		go func() {
			time.Sleep(slotWait / 2)
			held[0]()
		}()
		if take(t, s, "late.example", "late") == nil {
			t.Error("got no turn although one was given back")
		}
		if len(s.taken) != 1+2*maxFetches { // all, and the domain and source of each
			t.Errorf("got %d counts, want no more than are needed", len(s.taken))
		}
	})
}
