package emulate

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A receiver is an event function that fails a few times.
type receiver struct {
	mu       sync.Mutex
	failures int
	got      []string // ids of events taken
	times    map[time.Time]bool
	last     *http.Request
	body     string
}

func (r *receiver) deliver(_ context.Context, request func(string) (*http.Request, error)) error {
	q, err := request("http://127.0.0.1:1/")
	if err != nil {
		return err
	}
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failures > 0 {
		r.failures--
		return errors.New("500")
	}
	if r.times == nil {
		r.times = map[time.Time]bool{}
	}
	r.times[time.Now()] = true
	r.got, r.last, r.body = append(r.got, q.Header.Get("Ce-Id")), q, string(body)
	return nil
}

// emit sends an event as the Firestore emulator does (google-cloud 4.6).
func emit(s *shim, id, data string) {
	body := base64.StdEncoding.EncodeToString([]byte(data))
	r := httptest.NewRequest("POST", "/functions/projects/p/triggers/t0", strings.NewReader(body))
	for name, value := range map[string]string{
		"Content-Type": "application/protobuf", "Ce-Id": id,
		"Ce-Source":          "//firestore.googleapis.com/projects/projects/p/databases/(default)",
		"Ce-Datacontenttype": "application/protobuf", "Ce-Document": "grants/a", "User-Agent": "emulator",
	} {
		r.Header.Set(name, value)
	}
	s.ServeHTTP(httptest.NewRecorder(), r)
}

func TestAnEventArrivesAsEventarcSendsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		emit(&shim{ctx: t.Context(), deliver: r.deliver, log: slog.New(slog.DiscardHandler)}, "1", "\x0a\x00data")
		time.Sleep(time.Minute) // of the bubble
		synctest.Wait()
		if r.body != "\x0a\x00data" {
			t.Errorf("got body %q", r.body)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/protobuf",
			"Ce-Source":    "//firestore.googleapis.com/projects/p/databases/(default)",
			"Ce-Document":  "grants/a", "Ce-Datacontenttype": "", "User-Agent": "",
		} {
			if got := r.last.Header.Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
	})
}

func TestEventsComeSometimesTwiceAndOutOfOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		got := emitted(t, r)
		disorder := false
		for i, id := range r.got {
			disorder = disorder || i > 0 && id < r.got[i-1]
		}
		if len(r.got) == got || !disorder || len(r.times) < 2 {
			t.Errorf("%d deliveries of %d events at %d times, in disorder: %v; want some twice and a shuffle",
				len(r.got), got, len(r.times), disorder)
		}
	})
}

func TestAnEventIsDeliveredUntilItIsTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if got := emitted(t, &receiver{failures: 300}); got != events {
			t.Errorf("%d of %d events arrived", got, events)
		}
	})
}

const events = 200

// emitted emits events to r and returns how many of them arrived within an hour of the
// bubble.
func emitted(t *testing.T, r *receiver) int {
	s := &shim{ctx: t.Context(), deliver: r.deliver, log: slog.New(slog.DiscardHandler)}
	for i := range events {
		emit(s, string(rune('A'+i)), "x")
	}
	time.Sleep(time.Hour)
	synctest.Wait()
	ids := map[string]bool{}
	for _, id := range r.got {
		ids[id] = true
	}
	return len(ids)
}
