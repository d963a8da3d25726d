package emulate

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

const (
	maxEvent    = 1 << 20 // bytes, more than Eventarc takes
	maxDelay    = 500 * time.Millisecond
	firstRepeat = time.Second // doubled with each failure,
	lastRepeat  = time.Minute // up to this
)

// A shim takes the events of the Firestore emulator and delivers them as Eventarc does.
// The emulator delivers once, in order and without a second try, sends base64 under the
// name of protobuf, and headers that Eventarc does not.
type shim struct {
	ctx     context.Context // ends deliveries
	deliver func(ctx context.Context, request func(url string) (*http.Request, error)) error
	log     *slog.Logger
}

// ServeHTTP takes an event. Its delivery does not concern the emulator.
func (s *shim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	encoded, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2*maxEvent))
	if err != nil {
		http.Error(w, "bad body", http.StatusBadRequest)
		return
	}
	e := event{header: eventHeader(r.Header), data: decodeEvent(encoded)}
	copies := 1
	if rand.IntN(twice) == 0 {
		copies = 2
	}
	for range copies {
		go s.carry(e)
	}
	w.WriteHeader(http.StatusOK)
}

type event struct {
	header http.Header
	data   []byte
}

// decodeEvent undoes the emulator's base64. Should it ever send bytes, they stay.
func decodeEvent(body []byte) []byte {
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(body)))
	if err != nil {
		return body
	}
	return data
}

func eventHeader(sent http.Header) http.Header {
	h := http.Header{"Content-Type": {"application/protobuf"}}
	for name, values := range sent {
		if strings.HasPrefix(name, "Ce-") {
			h[name] = values
		}
	}
	// In HTTP the attribute datacontenttype is Content-Type; the emulator sends both,
	// which the CloudEvents library refuses.
	h.Del("Ce-Datacontenttype")
	// The emulator says projects/projects/NAME.
	h.Set("Ce-Source", strings.Replace(h.Get("Ce-Source"), "/projects/projects/", "/projects/", 1))
	return h
}

// carry delivers an event after a while of its own, which shuffles events, and again
// until it is taken.
func (s *shim) carry(e event) {
	pause, next := rand.N(maxDelay), firstRepeat
	for {
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
			return
		}
		err := s.deliver(s.ctx, e.request)
		if err == nil || s.ctx.Err() != nil {
			return
		}
		s.log.Warn("event is delivered again", "document", e.header.Get("Ce-Document"), "in", next, "error", err)
		pause, next = next, min(next*2, lastRepeat)
	}
}

func (e event) request(url string) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(e.data))
	if err != nil {
		return nil, err
	}
	r.Header = e.header.Clone()
	return r, nil
}
