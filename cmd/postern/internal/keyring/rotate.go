package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// An Action is what a step does.
type Action string

// The actions of a rotation, in their order.
const (
	StageKey    Action = "stage"
	PublishKey  Action = "publish"
	PromoteKey  Action = "promote"
	RetireKey   Action = "retire"
	WithdrawKey Action = "withdraw"
	Nothing     Action = "nothing"
)

// A Step is what a ring needs next.
type Step struct {
	Ring   string    `json:"ring"`
	Action Action    `json:"action"`
	Key    string    `json:"key,omitempty"`
	After  time.Time `json:"after,omitzero"` // not before
}

// String returns the step in words.
func (s Step) String() string {
	if s.Key == "" {
		return fmt.Sprintf("%s: %s", s.Ring, s.Action)
	}
	return fmt.Sprintf("%s: %s %s", s.Ring, s.Action, s.Key)
}

// Next looks at a ring and returns the next step of the rotation that is under way, or
// [Nothing].
func (st *Store) Next(ctx context.Context, ring string) (Step, error) {
	h, err := st.held(ctx, ring)
	if err != nil {
		return Step{}, err
	}
	var p published
	if ring == Signing {
		if p, err = st.published(ctx); err != nil && !errors.Is(err, ErrMissing) {
			return Step{}, err
		}
		if kid, ok := absent(h.keys.names(), p.set.KIDs()); ok {
			return Step{Ring: ring, Action: PublishKey, Key: kid}, nil
		}
	}
	if name, ok := h.first(Staged); ok {
		ready, err := st.promotable(ctx, ring, h, name)
		return Step{Ring: ring, Action: PromoteKey, Key: name, After: ready}, err
	}
	if name, ok := h.first(Reads); ok {
		at := slices.Index(h.keys.names(), name)
		return Step{Ring: ring, Action: RetireKey, Key: name, After: st.retirable(ring, h, at, name)}, nil
	}
	// A key whose retirement was interrupted, or whose private half was removed by
	// hand: tokens that it signed may live as long as any.
	if kid, ok := absent(p.set.KIDs(), h.keys.names()); ok {
		expired := h.Since.Add(st.Waits.Readers + st.Waits.AccessTokens)
		return Step{Ring: ring, Action: WithdrawKey, Key: kid, After: expired}, nil
	}
	return Step{Ring: ring, Action: Nothing}, nil
}

// absent returns the first of names that others has not.
func absent(names, others []string) (string, bool) {
	for _, name := range names {
		if !slices.Contains(others, name) {
			return name, true
		}
	}
	return "", false
}

// do takes a step.
func (st *Store) do(ctx context.Context, s Step) error {
	var err error
	switch s.Action {
	case StageKey:
		_, err = st.Stage(ctx, s.Ring)
	case PublishKey:
		err = st.Publish(ctx)
	case PromoteKey:
		_, err = st.Promote(ctx, s.Ring, s.Key, false)
	case RetireKey:
		_, err = st.Retire(ctx, s.Ring, s.Key)
	case WithdrawKey:
		err = st.Withdraw(ctx, s.Key)
	}
	return err
}

// A Rotation takes the steps of one rotation of each of its rings.
type Rotation struct {
	Store *Store
	// Rings are those to rotate, of [Writing].
	Rings []string
	// Wait returns when it is until, or with an error when ctx ends. next is what
	// comes then.
	Wait func(ctx context.Context, until time.Time, next Step) error
	// Took is told each step after it was taken.
	Took func(Step)
}

// Run finishes what is under way in the rings or, if nothing is, begins a rotation of
// each and finishes it. Interrupted, it is run again. Rings wait side by side. It
// returns the rings that were left as they are, because only others were under way.
func (r *Rotation) Run(ctx context.Context) (left []string, err error) {
	open, err := r.underWay(ctx)
	if err != nil {
		return nil, err
	}
	begin := map[string]bool{}
	if len(open) == 0 {
		open = slices.Clone(r.Rings)
		for _, ring := range open {
			begin[ring] = true
		}
	}
	left = slices.DeleteFunc(slices.Clone(r.Rings), func(ring string) bool { return slices.Contains(open, ring) })
	for len(open) > 0 {
		next, err := r.next(ctx, open, begin)
		if err != nil {
			return left, err
		}
		if next.Action == Nothing {
			open = slices.DeleteFunc(open, func(ring string) bool { return ring == next.Ring })
			continue
		}
		if r.Store.now().Before(next.After) {
			if err := r.Wait(ctx, next.After, next); err != nil {
				return left, err
			}
			continue // somebody may have gone on meanwhile
		}
		delete(begin, next.Ring)
		if err := r.Store.do(ctx, next); err != nil {
			return left, fmt.Errorf("%s: %w", next, err)
		}
		r.Took(next)
	}
	return left, nil
}

// underWay puts in order what was interrupted while it was published, which is no
// rotation yet, and returns the rings whose rotation is under way.
func (r *Rotation) underWay(ctx context.Context) ([]string, error) {
	var rings []string
	for _, ring := range r.Rings {
		s, err := r.Store.Next(ctx, ring)
		if err == nil && s.Action == PublishKey {
			if err = r.Store.do(ctx, s); err == nil {
				r.Took(s)
				s, err = r.Store.Next(ctx, ring)
			}
		}
		if err != nil {
			return nil, err
		}
		if s.Action != Nothing {
			rings = append(rings, ring)
		}
	}
	return rings, nil
}

// next returns the step that comes first, over all open rings.
func (r *Rotation) next(ctx context.Context, open []string, begin map[string]bool) (Step, error) {
	var first Step
	for i, ring := range open {
		s, err := r.Store.Next(ctx, ring)
		if err != nil {
			return Step{}, err
		}
		if s.Action == Nothing && begin[ring] {
			s.Action = StageKey
		}
		if i == 0 || s.After.Before(first.After) {
			first = s
		}
	}
	return first, nil
}
