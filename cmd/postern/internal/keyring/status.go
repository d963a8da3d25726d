package keyring

import (
	"context"
	"time"
)

// A State is what a key of a ring does.
type State string

// The states. Each key of verification-keys verifies.
const (
	Staged   State = "staged"   // reads, and is to write
	Writes   State = "writes"   // the first key
	Reads    State = "reads"    // wrote once, or was put there by other means
	Verifies State = "verifies" // public
)

// A RingStatus is what there is to know about a ring. Nothing in it is secret.
type RingStatus struct {
	Ring    string      `json:"ring"`
	Version string      `json:"version,omitempty"`
	Since   time.Time   `json:"since,omitzero"`
	Keys    []KeyStatus `json:"keys,omitempty"`
	// Problem says why the ring could not be read, empty if it could.
	Problem string `json:"problem,omitempty"`
}

// A KeyStatus is what there is to know about a key.
type KeyStatus struct {
	Key   string    `json:"key"`
	State State     `json:"state"`
	Since time.Time `json:"since"`
}

// Status returns all rings. One that cannot be read is reported in its place.
func (st *Store) Status(ctx context.Context) []RingStatus {
	var all []RingStatus
	for _, ring := range Names() {
		status := st.writingStatus
		if ring == Verification {
			status = st.publishedStatus
		}
		s, err := status(ctx, ring)
		if err != nil {
			s = RingStatus{Ring: ring, Problem: err.Error()}
		}
		all = append(all, s)
	}
	return all
}

func (st *Store) writingStatus(ctx context.Context, ring string) (RingStatus, error) {
	h, err := st.held(ctx, ring)
	if err != nil {
		return RingStatus{}, err
	}
	s := RingStatus{Ring: ring, Version: h.ID, Since: h.Since}
	for i, name := range h.keys.names() {
		s.Keys = append(s.Keys, KeyStatus{name, h.state(i, name), h.since(i, name)})
	}
	return s, nil
}

func (st *Store) publishedStatus(ctx context.Context, ring string) (RingStatus, error) {
	p, err := st.published(ctx)
	if err != nil {
		return RingStatus{}, err
	}
	s := RingStatus{Ring: ring, Version: p.ID, Since: p.Since}
	for _, kid := range p.set.KIDs() {
		s.Keys = append(s.Keys, KeyStatus{kid, Verifies, p.since(kid)})
	}
	return s, nil
}
