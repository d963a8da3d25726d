package cimd

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-dev/postern/shared/dial"
	"github.com/postern-dev/postern/test/kit/dialtest"
)

const development = "http://127.0.0.1:1"

// A host publishes a document on this machine and counts who asks for it.
type host struct {
	*httptest.Server
	id    ID
	hits  atomic.Int64
	reply atomic.Pointer[http.HandlerFunc] // nil: the document
	last  atomic.Pointer[http.Request]
}

func (h *host) document() string {
	return fmt.Sprintf(`{"client_id":%q,"client_name":"Local",`+
		`"redirect_uris":["http://127.0.0.1/callback"],"token_endpoint_auth_method":"none"}`, h.id)
}

func (h *host) answer(f http.HandlerFunc) { h.reply.Store(&f) }

func publish(t *testing.T) *host {
	t.Helper()
	h := &host{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.hits.Add(1)
		h.last.Store(r)
		if f := h.reply.Load(); f != nil {
			(*f)(w, r)
			return
		}
		h.write(w)
	}))
	t.Cleanup(h.Close)
	h.id = parseID(t, h.URL+"/client.json", development)
	return h
}

func (h *host) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = io.WriteString(w, h.document())
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// A stopwatch is a clock that stands still until it is moved.
type stopwatch struct{ ns atomic.Int64 }

func (s *stopwatch) now() time.Time          { return time.Unix(1_800_000_000, s.ns.Load()) }
func (s *stopwatch) advance(d time.Duration) { s.ns.Add(int64(d)) }

func (h *host) want(t *testing.T, f *Fetcher, what string, want Kind, hits int64) {
	t.Helper()
	before := h.hits.Load()
	d, err := f.Client(t.Context(), h.id, "")
	if got := kind(t, err); got != want || (err == nil) != (d.Metadata.ClientName == "Local") {
		t.Errorf("%s: got %q, %v, want kind %d", what, d.Metadata.ClientName, err, want)
	}
	if got := h.hits.Load() - before; got != hits {
		t.Errorf("%s: got %d fetches, want %d", what, got, hits)
	}
}

// A good document stays between five minutes and a day, whatever its host says (SF-10, CIM-10).
func TestDocumentsAreKeptWithinBounds(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": 5 * time.Minute, "no-store": 5 * time.Minute, "no-cache, max-age=7200": 5 * time.Minute,
		"max-age=0": 5 * time.Minute, "max-age=60": 5 * time.Minute, "public, max-age=3600": time.Hour,
		`MAX-AGE="3600"`: time.Hour, "max-age=600, s-maxage=3600": time.Hour,
		"max-age=99999999999999999999": 5 * time.Minute, "max-age=31536000, immutable": 24 * time.Hour,
		"max-age=-1": 5 * time.Minute, "max-age=x": 5 * time.Minute,
	} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			h, clock := publish(t), &stopwatch{}
			h.answer(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", header)
				h.write(w)
			})
			f := New(Options{Now: clock.now})
			h.want(t, f, "first", 0, 1)
			clock.advance(want - time.Second)
			h.want(t, f, "fresh", 0, 0)
			clock.advance(time.Second)
			h.want(t, f, "no longer fresh", 0, 1)
		})
	}
	if got := lifetime(http.Header{"Cache-Control": {"max-age=3600"}, "Age": {"1800"}}); got != 30*time.Minute {
		t.Errorf("with Age: got %s, want 30m", got)
	}
}

// 304 counts for the document that is there, and for nobody else (SF-10).
func TestNotModifiedRenewsWhatIsThere(t *testing.T) {
	t.Parallel()
	h, clock := publish(t), &stopwatch{}
	h.answer(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"one"`)
		if r.Header.Get("If-None-Match") == `"one"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.write(w)
	})
	f := New(Options{Now: clock.now})
	h.want(t, f, "first", 0, 1)
	clock.advance(minLifetime)
	h.want(t, f, "not modified", 0, 1)
	h.want(t, f, "fresh again", 0, 0)
	h.answer(status(http.StatusNotModified))
	h.want(t, New(Options{}), "304 without a document", Unreadable, 1)
}

// While the host is down or turns us away, the last good document is used for a day (W2, SF-10). A
// host that says there is none, or publishes another, has changed its mind. No failure is
// remembered.
func TestOutageOfTheHostIsBridgedForADay(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		reply http.HandlerFunc
		want  Kind
	}{
		"500": {status(500), 0}, "503": {status(503), 0}, "403 of a firewall": {status(403), 0},
		"429":        {status(429), 0},
		"broken off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0},
		"404":        {status(404), Unreadable}, "410": {status(410), Unreadable}, "301": {status(301), Unreadable},
		"another document": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"client_id":"x"}`)
		}, Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, clock := publish(t), &stopwatch{}
			f := New(Options{Now: clock.now})
			h.want(t, f, "first", 0, 1)
			clock.advance(minLifetime)
			h.answer(row.reply)
			h.want(t, f, "stale", row.want, 1)
			clock.advance(staleIfError)
			if row.want == 0 {
				h.want(t, f, "a day later", Unreadable, 1)
			}
			h.answer(func(w http.ResponseWriter, _ *http.Request) { h.write(w) })
			h.want(t, f, "the host is back", 0, 1)
		})
	}
}

// An answer that is not a document is not read, not followed and not unpacked (SF-04, SF-07).
func TestOnlyAPlainSmallJSONAnswerCounts(t *testing.T) {
	t.Parallel()
	_, met := dialtest.Sentinel(t)
	typed := func(mediaType, body string, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", mediaType)
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			_, _ = io.WriteString(w, body)
		}
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(make([]byte, 10<<20))
	z.Close()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { met.Add(1) }))
	t.Cleanup(elsewhere.Close)
	rows := map[string]struct {
		reply http.HandlerFunc
		want  Kind
	}{
		"html": {typed("text/html", "<html>"), Malformed}, "text": {typed("text/plain", "{}"), Malformed},
		"no type": {typed("", "{}"), Malformed}, "json in another": {typed("text/json", "{}"), Malformed},
		"gzip bomb":           {typed("application/json", zipped.String(), "Content-Encoding", "gzip"), Malformed},
		"br":                  {typed("application/json", "x", "Content-Encoding", "br"), Malformed},
		"too large":           {typed("application/json", strings.Repeat(" ", maxDocument+1)), Malformed},
		"announced too large": {typed("application/json", strings.Repeat(" ", 1<<20)), Malformed},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}, Malformed},
		"huge headers": {typed("application/json", "{}", "X-Long", strings.Repeat("a", 64<<10)), Unreadable},
		"201":          {status(201), Unreadable}, "204": {status(204), Unreadable}, "206": {status(206), Unreadable},
	}
	for _, code := range []int{300, 301, 302, 303, 307, 308} {
		elsewhereNow := func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/client.json", code)
		}
		rows[fmt.Sprint(code)] = struct {
			reply http.HandlerFunc
			want  Kind
		}{elsewhereNow, Unreadable}
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := publish(t)
			h.answer(row.reply)
			h.want(t, New(Options{}), name, row.want, 1)
		})
	}
	t.Run("a suffix of JSON", func(t *testing.T) {
		t.Parallel()
		h := publish(t)
		h.answer(func(w http.ResponseWriter, r *http.Request) {
			typed("application/oauth-client+json", h.document())(w, r)
		})
		h.want(t, New(Options{}), "+json", 0, 1)
	})
	t.Cleanup(func() {
		if met.Load() != 0 {
			t.Errorf("got %d redirects followed, want none", met.Load())
		}
	})
}

// The right document does not count in the wrong dress, nor one byte over the limit (SF-07,
// CIM-13).
func TestTheRightDocumentNeedsTheRightDress(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		mediaType, encoding string
		size                int // padded to it, if it is not 0
		want                Kind
	}{
		{"application/json", "", 0, 0}, {"application/json", "identity", 0, 0},
		{"APPLICATION/JSON;charset=utf-8", "", 0, 0}, {"application/json", "", maxDocument, 0},
		{"application/json", "", maxDocument + 1, Malformed}, {"application/json", "gzip", 0, Malformed},
		{"application/json", "br", 0, Malformed}, {"text/html", "", 0, Malformed}, {"text/json", "", 0, Malformed},
		{"application/javascript", "", 0, Malformed}, {"image/svg+json", "", 0, Malformed},
		{"application/json;;", "", 0, Malformed}, {"*/*", "", 0, Malformed},
	} {
		h := publish(t)
		h.answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", row.mediaType)
			if row.encoding != "" {
				w.Header().Set("Content-Encoding", row.encoding)
			}
			_, _ = io.WriteString(w, h.document()+strings.Repeat(" ", max(0, row.size-len(h.document()))))
		})
		h.want(t, New(Options{}), fmt.Sprintf("%+v", row), row.want, 1)
	}
}

// The request carries nothing of the environment or of an earlier answer, and nothing else is
// fetched (SF-14, CIM-12).
func TestTheRequestCarriesNothing(t *testing.T) {
	port, met := dialtest.Sentinel(t)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:"+port)
	}
	h, clock := publish(t), &stopwatch{}
	h.answer(func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		w.Header().Set("Content-Type", "application/json")
		document := strings.TrimSuffix(h.document(), "}")
		fmt.Fprintf(w, `%s,"logo_uri":"%[2]s/logo","jwks_uri":"%[2]s/jwks","policy_uri":"%[2]s/policy",`+
			`"client_uri":"%[2]s"}`,
			document, h.URL)
	})
	f := New(Options{Now: clock.now})
	h.want(t, f, "first", 0, 1)
	clock.advance(minLifetime)
	h.want(t, f, "second", 0, 1)
	got := h.last.Load().Header.Clone()
	for _, name := range []string{"Accept", "Accept-Encoding", "User-Agent"} {
		if got.Get(name) == "" {
			t.Errorf("got no %s", name)
		}
		got.Del(name)
	}
	got.Del("Connection")
	last := h.last.Load()
	if len(got) != 0 || last.Header.Get("Accept-Encoding") != "identity" || last.URL.Path != "/client.json" {
		t.Errorf("got more headers %v, want none", got)
	}
	if met.Load() != 0 {
		t.Error("a proxy of the environment was asked")
	}
}

// Go does not use a proxy for loopback, whatever its settings; so the transport itself is looked at too (SF-13).
func TestTransportHasNoProxyAndNoCookies(t *testing.T) {
	t.Parallel()
	f := New(Options{})
	for _, c := range []*http.Client{f.outside, f.local} {
		tr := c.Transport.(*http.Transport)
		if tr.Proxy != nil || c.Jar != nil || tr.TLSClientConfig.InsecureSkipVerify ||
			tr.TLSClientConfig.Certificates != nil || tr.TLSClientConfig.RootCAs != nil ||
			tr.TLSClientConfig.MinVersion < tls.VersionTLS12 {
			t.Errorf("got %+v", tr)
		}
	}
}

// Only a certificate of a known authority for that very name counts, by TLS 1.2 at least (SF-17).
func TestTLSIsNotWeakened(t *testing.T) {
	t.Parallel()
	start := func(maxVersion uint16) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "{}")
		}))
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: maxVersion}
		s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	modern, old := start(0), start(tls.VersionTLS11)
	known := x509.NewCertPool()
	known.AddCert(modern.Certificate()) // the same for both, for 127.0.0.1, ::1 and example.com
	for _, row := range []struct {
		name  string
		url   string
		roots *x509.CertPool
		want  Kind
	}{
		{"known authority", modern.URL, known, 0}, {"self-signed", modern.URL, nil, Unreadable},
		{"TLS 1.1", old.URL, known, Unreadable},
		{"another name", strings.Replace(modern.URL, "127.0.0.1", "localhost", 1), known, Unreadable},
	} {
		_, err := get(t.Context(), newClient(dial.Loopback, nil, row.roots), parseID(t, row.url+"/x", development), "")
		if got := kind(t, err); got != row.want {
			t.Errorf("%s: got %v, want kind %d", row.name, err, row.want)
		}
	}
}

// To the outside, a refused address, a name without one and a closed port read alike (SF-12).
func TestFailuresToConnectReadAlike(t *testing.T) {
	t.Parallel()
	port, met := dialtest.Sentinel(t)
	resolver, _ := dialtest.Resolver(t, "127.0.0.1", "10.0.0.1", "169.254.169.254", "192.0.2.1")
	var log bytes.Buffer
	f := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	f.outside = newClient(dial.Public, resolver, nil)
	id := parseID(t, "https://inside.example.com/client.json", production)
	id.url = strings.Replace(id.url, ".com/", ".com:"+port+"/", 1) // where the sentinel is
	want := ""
	for range 4 {
		_, err := f.Client(t.Context(), id, "")
		p, ok := errors.AsType[*Problem](err)
		if !ok || p.Kind != Unreadable || want != "" && p.Says != want {
			t.Errorf("got %v, want %q", err, want)
			continue
		}
		want = p.Says
		if strings.Contains(p.Says, "127.") || strings.Contains(p.Says, "address") {
			t.Errorf("got %q, want nothing of the network", p.Says)
		}
	}
	audited := strings.Contains(log.String(), "client.document_blocked") && strings.Contains(log.String(), "10.0.0.1")
	if met.Load() != 0 || !audited || strings.Contains(log.String(), "client.json") {
		t.Errorf("got %d connections and log %s", met.Load(), &log)
	}
	closed, _ := net.Listen("tcp", "127.0.0.1:0")
	address := closed.Addr().String()
	closed.Close()
	_, err := f.Client(t.Context(), parseID(t, "http://"+address+"/client.json", development), "")
	same := strings.ReplaceAll(want, "inside.example.com", "HOST")
	if p, ok := errors.AsType[*Problem](err); !ok || strings.ReplaceAll(p.Says, address, "HOST") != same {
		t.Errorf("closed port: got %v, want the words %q", err, want)
	}
}

// One fetch for all who ask at once, and one who leaves ends it for nobody (SF-11).
func TestOneFetchIsInFlightPerDocument(t *testing.T) {
	t.Parallel()
	h := publish(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	h.answer(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		h.write(w)
	})
	f := New(Options{})
	leaving, leave := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := f.Client(leaving, h.id, "")
		first <- err
	}()
	<-arrived
	var others sync.WaitGroup
	for range 20 {
		others.Go(func() {
			if d, err := f.Client(t.Context(), h.id, ""); err != nil || d.Metadata.ClientName != "Local" {
				t.Errorf("got %v, want the document", err)
			}
		})
	}
	leave()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("who left: got %v", err)
	}
	close(release)
	others.Wait()
	if got := h.hits.Load(); got != 1 {
		t.Errorf("got %d fetches, want 1", got)
	}
}

// No burst of ids makes us a weapon against one host; failures are slowed down, not remembered
// (SF-10, SF-11).
func TestFetchesOfOneHostAreLimited(t *testing.T) {
	t.Parallel()
	h, clock := publish(t), &stopwatch{}
	h.answer(status(404))
	f := New(Options{Now: clock.now})
	ask := func(n int) Kind {
		id := parseID(t, fmt.Sprintf("%s/%d.json", h.URL, n), development)
		_, err := f.Client(t.Context(), id, fmt.Sprint(n/50)) // 50 of each source
		return kind(t, err)
	}
	for n := range 500 {
		want := Busy
		if n%50 < sourceBurst && n/50 < hostBurst/sourceBurst {
			want = Unreadable
		}
		if got := ask(n); got != want {
			t.Fatalf("fetch %d: got kind %d, want %d", n, got, want)
		}
	}
	if got := h.hits.Load(); got != hostBurst {
		t.Errorf("got %d fetches, want %d", got, hostBurst)
	}
	clock.advance(sourceEvery)
	if got := ask(0); got != Unreadable {
		t.Errorf("later: got kind %d, want another try", got)
	}
}

// A document that was good is asked for again although strangers have used up its host's
// share.
func TestAKnownDocumentIsRenewedUnderALimit(t *testing.T) {
	t.Parallel()
	h, clock := publish(t), &stopwatch{}
	f := New(Options{Now: clock.now})
	h.want(t, f, "first", 0, 1)
	for n := range 1000 {
		f.allowed(h.id, fmt.Sprint(n))
	}
	clock.advance(24 * time.Hour)
	for n := range 1000 {
		f.allowed(h.id, fmt.Sprint(n))
	}
	h.want(t, f, "no longer fresh", 0, 1)
}

// What strangers have us read pushes out what strangers had us read, and nothing of a client
// that people use. Both memories are bounded (SF-10).
func TestStrangersPushNoUsedClientOut(t *testing.T) {
	t.Parallel()
	f, h := New(Options{}), publish(t)
	before, after := publish(t), publish(t)
	before.want(t, f, "before its first sign-in", 0, 1)
	f.Completed(before.id)
	f.Completed(after.id) // by another instance's fetch
	after.want(t, f, "after its first sign-in", 0, 1)
	for n := range 10 * maxDocuments {
		id := h.id
		id.url = fmt.Sprint(n)
		f.keep(id, entry{fresh: time.Now().Add(time.Hour)})
	}
	before.want(t, f, "completed, then strangers", 0, 0)
	after.want(t, f, "completed before it was read, then strangers", 0, 0)
	id, kept := h.id, 0
	for n := range 10 * maxDocuments {
		id.url = fmt.Sprint(n)
		if _, ok := f.kept(id); ok {
			kept++
		}
	}
	if kept > 2*maxDocuments {
		t.Errorf("got %d documents, want at most %d", kept, 2*maxDocuments)
	}
}

// Whose documents are not read is not asked (CIM-18).
func TestHostsThatAreNotAllowedAreNotAsked(t *testing.T) {
	t.Parallel()
	h := publish(t)
	for _, setting := range []string{"none", "claude.ai"} {
		a, err := ParseAllow(setting)
		if err != nil {
			t.Fatal(err)
		}
		h.want(t, New(Options{Allow: a}), setting, Refused, 0)
	}
	h.want(t, nil, "no fetcher", Refused, 0)
}

// A host that drips or says nothing is given five seconds in all, whichever part it is slow with
// (SF-06).
func TestSlowHostsAreGivenFiveSeconds(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(net.Conn){
		"silent": func(net.Conn) {},
		"drips headers": func(c net.Conn) {
			for _, b := range []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}") {
				time.Sleep(time.Second)
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
			}
		},
		"drips the body": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n")
			for range 100 {
				time.Sleep(time.Second)
				if _, err := io.WriteString(c, " "); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				var there sync.WaitGroup
				defer there.Wait()
				asked := make(chan struct{}) // an answer before the question is another error
				there.Go(func() {
					_, _ = theirs.Read(make([]byte, 1))
					close(asked)
					_, _ = io.Copy(io.Discard, theirs)
				})
				there.Go(func() {
					<-asked
					write(theirs)
				})
				c := newClient(dial.Loopback, nil, nil)
				c.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
					return ours, nil
				}
				start := time.Now()
				_, err := get(t.Context(), c, parseID(t, "http://127.0.0.1:9000/x", development), "")
				if took := time.Since(start); kind(t, err) != Unreadable || took != totalTimeout {
					t.Errorf("got %v after %s, want a failure after %s", err, took, totalTimeout)
				}
				ours.Close()
				theirs.Close()
			})
		})
	}
}
