package cimd

import (
	"fmt"
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
