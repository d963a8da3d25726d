package rig

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// A Witness carries requests and remembers every secret in them, to look for it in the
// logs later, and how each endpoint answered. It is safe for concurrent use.
type Witness struct {
	next  http.RoundTripper
	pages http.RoundTripper // what browsers are tapped on

	mu        sync.Mutex
	secrets   map[string]bool
	exchanges []Exchange
}

// An Exchange is one request and its answer, without the secrets.
type Exchange struct {
	Method, Path string
	Grant        string // grant_type of a token request
	Status       int
	Error        string // error code of a JSON answer
}

// NewWitness returns a witness that has seen nothing.
func NewWitness() *Witness {
	return &Witness{next: http.DefaultTransport, pages: http.DefaultTransport, secrets: map[string]bool{}}
}

// Remember adds secrets that did not pass by.
func (w *Witness) Remember(values ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range values {
		if len(v) >= window {
			w.secrets[v] = true
		}
	}
}

// Count returns how many exchanges are as match says.
func (w *Witness) Count(match func(Exchange) bool) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, e := range w.exchanges {
		if match(e) {
			n++
		}
	}
	return n
}

// Exchanges returns all exchanges so far.
func (w *Witness) Exchanges() []Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.exchanges)
}

// Registrations counts clients that were registered.
func (w *Witness) Registrations() int {
	return w.Count(func(e Exchange) bool { return e.Path == "/register" && e.Status == http.StatusCreated })
}

// Logins counts codes that were exchanged for tokens.
func (w *Witness) Logins() int {
	return w.Count(func(e Exchange) bool { return e.Grant == "authorization_code" && e.Status == http.StatusOK })
}

// Refreshes counts refresh tokens that were exchanged for tokens.
func (w *Witness) Refreshes() int {
	return w.Count(func(e Exchange) bool { return e.Grant == "refresh_token" && e.Status == http.StatusOK })
}

// RoundTrip implements http.RoundTripper.
func (w *Witness) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, e, err := w.carry(r, w.next)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges = append(w.exchanges, *e)
	return resp, nil
}

// Tap returns a transport whose secrets w remembers without counting the exchanges.
func (w *Witness) Tap() http.RoundTripper { return tap{w} }

type tap struct{ w *Witness }

func (t tap) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, _, err := t.w.carry(r, t.w.pages)
	return resp, err
}

// carry sends r through next and takes the secrets on both ways.
func (w *Witness) carry(r *http.Request, next http.RoundTripper) (*http.Response, *Exchange, error) {
	e := &Exchange{Method: r.Method, Path: r.URL.Path}
	w.readHeader(r.Header)
	w.readValues(r.URL.Query())
	if form, err := w.takeForm(r); err != nil {
		return nil, nil, err
	} else if form != nil {
		w.readValues(form)
		e.Grant = form.Get("grant_type")
	}
	resp, err := next.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	e.Status = resp.StatusCode
	w.readHeader(resp.Header)
	for _, c := range resp.Cookies() {
		w.Remember(c.Value)
	}
	if u, err := url.Parse(resp.Header.Get("Location")); err == nil {
		w.readValues(u.Query())
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") && r.URL.Path != "/mcp" {
		if e.Error, err = w.readJSON(resp); err != nil {
			return nil, nil, err
		}
	}
	return resp, e, nil
}

// takeForm reads an urlencoded body and puts it back.
func (w *Witness) takeForm(r *http.Request) (url.Values, error) {
	if r.Body == nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, nil // bad forms are the server's to judge
	}
	return form, nil
}

// secretParameters are those of requests, forms and answers alike. client_id, scope,
// iss and the like are not secret.
var secretParameters = []string{
	"code", "code_verifier", "access_token", "refresh_token", "token", "client_secret",
	"registration_access_token", "transaction", "state",
}

func (w *Witness) readValues(v url.Values) {
	for _, name := range secretParameters {
		w.Remember(v[name]...)
	}
}

func (w *Witness) readHeader(h http.Header) {
	for _, value := range slices.Concat(h["Authorization"], h["X-Forwarded-Authorization"]) {
		_, credential, _ := strings.Cut(value, " ")
		w.Remember(credential)
	}
	for _, line := range h["Cookie"] {
		for pair := range strings.SplitSeq(line, "; ") {
			_, value, _ := strings.Cut(pair, "=")
			w.Remember(value)
		}
	}
}

// readJSON takes the secrets of an answer and returns its error code.
func (w *Witness) readJSON(resp *http.Response) (string, error) {
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return "", err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var members map[string]any
	if json.Unmarshal(body, &members) != nil {
		return "", nil
	}
	for _, name := range secretParameters {
		if s, ok := members[name].(string); ok {
			w.Remember(s)
		}
	}
	code, _ := members["error"].(string)
	return code, nil
}
