package cimd

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/postern-dev/postern/shared/origin"
)

// How many fetches may be under way at once (SF-11): altogether, of one registrable
// domain, and begun by one source or by one network. Whoever has some slow hosts, or one
// address and many hosts, leaves room for the others.
const (
	maxFetches        = 64
	maxDomainFetches  = 8
	maxSourceFetches  = 8
	maxNetworkFetches = 16
	// slotWait is how long a fetch waits for its turn before the person is told to try again.
	slotWait = 2 * time.Second
)

// Slots are turns to fetch. They are safe for concurrent use.
type slots struct {
	mu    sync.Mutex
	taken map[string]int // guarded by mu, as is freed; by domain, source, network, and "" for all
	freed chan struct{}  // closed at the next release
}

func newSlots() *slots { return &slots{taken: map[string]int{}, freed: make(chan struct{})} }

// acquire takes a turn for a document of id that source asks for, and waits a little if
// there is none. It returns how to give it back, or nil.
func (s *slots) acquire(ctx context.Context, id ID, source string) (release func()) {
	wanted := map[string]int{"": maxFetches, "domain " + registrable(id.name): maxDomainFetches}
	if !id.loopback { // on one machine all are one source
		wanted["source "+source] = maxSourceFetches
		if wide := network(source); wide != source {
			wanted["network "+wide] = maxNetworkFetches
		}
	}
	ctx, cancel := context.WithTimeout(ctx, slotWait)
	defer cancel()
	for {
		ok, freed := s.try(wanted)
		if ok {
			return func() { s.release(wanted) }
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return nil
		}
	}
}

// try takes one of each that is wanted, or none, and then says when to try again.
func (s *slots) try(wanted map[string]int) (ok bool, freed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, most := range wanted {
		if s.taken[key] >= most {
			return false, s.freed
		}
	}
	for key := range wanted {
		s.taken[key]++
	}
	return true, nil
}

func (s *slots) release(held map[string]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range held {
		if s.taken[key]--; s.taken[key] == 0 {
			delete(s.taken, key)
		}
	}
	close(s.freed)
	s.freed = make(chan struct{})
}

// network returns the network that a source is in: of an IPv6 prefix the /48 around it, which
// is what a customer gets who asks for many, and of any other source the source itself.
func network(source string) string {
	p, err := netip.ParsePrefix(source)
	if err != nil || !p.Addr().Is6() {
		return source
	}
	wide, err := p.Addr().Prefix(min(48, p.Bits()))
	if err != nil {
		return source
	}
	return wide.String()
}

// registrable returns the domain of a host that somebody registered, or was given by one
// who lets everybody have a name under theirs (publicsuffix.org).
func registrable(host string) string {
	if origin.DomainName(host) {
		if domain, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
			return domain
		}
	}
	return host
}
