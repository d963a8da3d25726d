package web_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/web"
)

// TE-05, AV-05
func TestGuessesWaitAndOwnersDoNot(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := web.NewLimiter(web.LimiterOptions{Burst: 3, Every: time.Minute, MaxKeys: 100, Now: func() time.Time { return now }})
	for range 3 {
		if w := l.Wait("client|guesser"); w != 0 {
			t.Fatalf("got %s before the burst was spent", w)
		}
		l.Spend("client|guesser")
	}
	if w := l.Wait("client|guesser"); w != time.Minute {
		t.Errorf("got %s, want 1m", w)
	}
	if w := l.Wait("client|owner"); w != 0 {
		t.Errorf("the owner waits %s", w)
	}
	now = now.Add(time.Minute)
	if w := l.Wait("client|guesser"); w != 0 {
		t.Errorf("after a minute: got %s", w)
	}
	if _, ok := l.Allow("client|guesser"); !ok {
		t.Error("an attempt that came back was not given")
	}
	if w, ok := l.Allow("client|guesser"); ok || w != time.Minute {
		t.Errorf("got %s, %t", w, ok)
	}
}

func TestKeysBeyondTheLimitPushOutTheOldest(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := web.NewLimiter(web.LimiterOptions{Burst: 1, Every: time.Hour, MaxKeys: 2, Now: func() time.Time { return now }})
	l.Spend("a")
	l.Spend("b")
	l.Wait("a") // now b is the oldest
	l.Spend("c")
	if l.Wait("a") == 0 || l.Wait("c") == 0 {
		t.Error("a recent key was forgotten")
	}
	if l.Wait("b") != 0 {
		t.Error("more keys are kept than the limit")
	}
}

func TestParallelAttemptsSpendTheBurstOnce(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := web.NewLimiter(web.LimiterOptions{Burst: 5, Every: time.Hour, MaxKeys: 50, Now: func() time.Time { return now }})
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 50 {
		wg.Go(func() {
			l.Spend(fmt.Sprint(i % 7))
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
