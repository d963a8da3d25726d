package limit_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/limit"
)

// Who guesses waits; the right secret is taken all the same (TE-05, AV-05).
func TestGuessesWaitAndOwnersDoNot(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := limit.New(limit.Options{Burst: 3, Every: time.Minute, MaxKeys: 100, Now: func() time.Time { return now }})
	for i := range 3 {
		if w, ok := l.Allow("client|guesser"); !ok {
			t.Fatalf("attempt %d of the burst: got a wait of %s", i+1, w)
		}
	}
	if w, ok := l.Allow("client|guesser"); ok || w != time.Minute {
		t.Errorf("after the burst: got %s, %t, want a wait of 1m", w, ok)
	}
	if w, ok := l.Allow("client|owner"); !ok {
		t.Errorf("the owner waits %s", w)
	}
	now = now.Add(time.Minute)
	if w, ok := l.Allow("client|guesser"); !ok {
		t.Errorf("an attempt that came back was not given: got a wait of %s", w)
	}
	if w, ok := l.Allow("client|guesser"); ok || w != time.Minute {
		t.Errorf("got %s, %t, want a wait of 1m", w, ok)
	}
}

func TestKeysBeyondTheLimitPushOutTheOldest(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := limit.New(limit.Options{Burst: 1, Every: time.Hour, MaxKeys: 2, Now: func() time.Time { return now }})
	l.Allow("a")
	l.Allow("b")
	l.Allow("a") // refused, and now b is the oldest
	l.Allow("c")
	if _, ok := l.Allow("a"); ok {
		t.Error("a recent key was forgotten")
	}
	if _, ok := l.Allow("b"); !ok {
		t.Error("more keys are kept than the limit")
	}
}

func TestParallelAttemptsSpendTheBurstOnce(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := limit.New(limit.Options{Burst: 5, Every: time.Hour, MaxKeys: 50, Now: func() time.Time { return now }})
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 50 {
		wg.Go(func() {
			l.Allow(fmt.Sprint(i % 7))
			if _, ok := l.Allow("shared"); ok {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if won != 5 {
		t.Errorf("got %d attempts, want 5", won)
	}
}
