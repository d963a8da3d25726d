package oauthtest

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Fault is an answer that GitHub should not give. Exactly one of its parts is used,
// the first that is set in the order of the fields.
type Fault struct {
	Drip     bool   // one byte each 50 ms, without end
	Huge     bool   // 100 MiB of a JSON string
	Redirect string // 302 to this URL
	// Status, with ContentType (default application/json) and Body, is any other answer.
	Status      int
	ContentType string
	Body        string
	// Times is how many requests meet the fault; 0 means all until [GitHub.Repair].
	Times int

	counted bool
}

// ServerError is the plainest outage.
func ServerError() Fault {
	return Fault{Status: http.StatusInternalServerError, Body: `{"message":"Server Error"}`}
}

// Outage makes every request for path meet the fault; path "" means all paths.
func (g *GitHub) Outage(path string, f Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.counted = f.Times > 0
	g.faults[path] = &f
}

// Repair ends all outages.
func (g *GitHub) Repair() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.faults)
}

// fault returns what path has to suffer, or nil.
func (g *GitHub) fault(path string) *Fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := cmp.Or(g.faults[path], g.faults[""])
	if f == nil || !f.counted {
		return f
	}
	if f.Times == 0 {
		return nil
	}
	f.Times--
	return f
}

func (g *GitHub) faulty(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := g.fault(r.URL.Path); f != nil {
			f.write(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func (f *Fault) write(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", cmp.Or(f.ContentType, "application/json"))
	switch {
	case f.Drip:
		drip(w, r)
	case f.Huge:
		huge(w)
	case f.Redirect != "":
		http.Redirect(w, r, f.Redirect, http.StatusFound)
	default:
		w.WriteHeader(cmp.Or(f.Status, http.StatusInternalServerError))
		_, _ = io.WriteString(w, f.Body)
	}
}

func drip(w http.ResponseWriter, r *http.Request) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := w.Write([]byte(" ")); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

func huge(w http.ResponseWriter) {
	chunk := bytes.Repeat([]byte("a"), 1<<20)
	_, err := io.WriteString(w, `{"login":"`)
	for range 100 {
		if err != nil {
			return
		}
		_, err = w.Write(chunk)
	}
}

// A Request is what the fake remembers of a call.
type Request struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	// Authorization is the scheme alone: "Bearer", "Basic", or empty.
	Authorization string `json:"authorization"`

	everything string
}

// recorded notes each request before it is answered.
func (g *GitHub) recorded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		var all strings.Builder
		all.WriteString(r.URL.String() + "\n")
		_ = r.Header.Write(&all)
		all.Write(body)
		kind, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		g.mu.Lock()
		g.requests = append(g.requests, Request{r.Method, r.URL.Path, kind, all.String()})
		g.mu.Unlock()
		h.ServeHTTP(w, r)
	})
}

// Requests returns all requests so far, in order of arrival, those of browsers too.
func (g *GitHub) Requests() []Request {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.requests)
}

// Calls returns "METHOD path" of each request that a server, not a browser, sends.
func (g *GitHub) Calls() []string {
	var calls []string
	for _, r := range g.Requests() {
		if r.Path != "/login/oauth/authorize" && r.Path != "/session" {
			calls = append(calls, r.Method+" "+r.Path)
		}
	}
	return calls
}

// ForgetRequests empties the log.
func (g *GitHub) ForgetRequests() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests = nil
}

// Saw reports whether a value stood in the address, a header or the body of any
// request: proof that a token was, or was not, handed on.
func (g *GitHub) Saw(value string) bool {
	return slices.ContainsFunc(g.Requests(), func(r Request) bool { return strings.Contains(r.everything, value) })
}
