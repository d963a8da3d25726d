// Package benchtest measures ratios: what we do beside what could not be done without,
// in one run on one machine. Absolute times say more about the machine than about us.
package benchtest

import (
	"net/http"
	"runtime/debug"
	"testing"
	"time"
)

// batch is how many calls of one side run before the other side's turn, so that both
// see the same machine, caches included.
const batch = 64

// Ratio runs both sides in turns and reports how many times as long ours takes, as "x",
// and both times for the curious. The collector is set as a function sets it for itself
// (shared/boot), for both.
func Ratio(b *testing.B, ours, bare func()) {
	b.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	var mine, theirs time.Duration
	calls := 0
	for done := 0; done < b.N; done += batch {
		start := time.Now()
		for range batch {
			ours()
		}
		middle := time.Now()
		for range batch {
			bare()
		}
		mine, theirs = mine+middle.Sub(start), theirs+time.Since(middle)
		calls += batch
	}
	b.ReportMetric(float64(mine)/float64(theirs), "x")
	b.ReportMetric(float64(mine.Nanoseconds())/1e3/float64(calls), "us/ours")
	b.ReportMetric(float64(theirs.Nanoseconds())/1e3/float64(calls), "us/bare")
}

// A Sink is a response writer without the weight of a recorder.
type Sink struct {
	Status int
	Body   []byte
	header http.Header
}

// Header returns the answer's header.
func (w *Sink) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

// WriteHeader keeps the status.
func (w *Sink) WriteHeader(status int) { w.Status = status }

// Write keeps the body.
func (w *Sink) Write(p []byte) (int, error) {
	if w.Status == 0 {
		w.Status = http.StatusOK
	}
	w.Body = append(w.Body, p...)
	return len(p), nil
}

// SetReadDeadline does nothing: nobody reads from a caller here.
func (w *Sink) SetReadDeadline(time.Time) error { return nil }

// Flush does nothing.
func (w *Sink) Flush() {}
