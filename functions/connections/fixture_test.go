package connections

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/session"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/edgetest"
	"github.com/postern-dev/postern/test/kit/fixture"
)

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

var must = fixture.Must

// An endpoint is the pages over a store in memory.
type endpoint struct {
	http.Handler
	Config
	*fixture.Base
}

func open(tb testing.TB, change ...func(*Config)) *endpoint {
	tb.Helper()
	f := &endpoint{Base: fixture.New()}
	f.Config = Config{
		Edge: edgetest.Deployment(tb), Store: f.Open(tb, store.Lifetimes{RefreshGrace: time.Minute}), Box: f.Sealer,
		Provider: "development", RevocationMaxAge: 30 * time.Second, AccessTokenTTL: time.Hour,
		Log: f.Lines.Logger(), Now: f.Clock.Now,
	}
	for _, c := range change {
		c(&f.Config)
	}
	var err error
	f.Handler, err = New(f.Config)
	must(tb, err)
	return f
}

// connect makes a grant of a person for a client of that name.
func (f *endpoint) connect(tb testing.TB, subject, clientName string, change ...func(*store.Code)) store.Grant {
	tb.Helper()
	c := fixture.PublicClient(credential.New("c_").Reveal())
	c.Metadata.ClientName = clientName
	c, err := f.Store.RegisterClient(tb.Context(), c)
	must(tb, err)
	l := f.Login(c.ID)
	l.Record.Person.Subject = subject
	for _, do := range change {
		do(&l.Record)
	}
	must(tb, f.Store.IssueCode(tb.Context(), l, fixture.AnyClient))
	red, _, err := f.Store.RedeemCode(tb.Context(), l.Code, "", c, fixture.AnyCode)
	must(tb, err)
	return red.Grant
}

// signIn returns the cookie of a session.
func (f *endpoint) signIn(tb testing.TB, subject, login string) string {
	tb.Helper()
	w := edgetest.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		must(tb, session.Begin(w, r, f.Box, subject, login, f.Clock.Now()))
	}), edge.Options{Deployment: f.Edge}, "GET", "/", "")
	cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	return cookie
}

// send sends a request as a browser does. Headers are names and values.
func (f *endpoint) send(tb testing.TB, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Accept", browser)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// page returns the list of a session.
func (f *endpoint) page(tb testing.TB, cookie string) string {
	tb.Helper()
	w := f.send(tb, http.MethodGet, oauth.ConnectionsPath, "", "Cookie", cookie)
	if w.Code != http.StatusOK {
		tb.Fatalf("got %d\n%s", w.Code, w.Body)
	}
	return w.Body.String()
}

// token returns the token of the page's form.
func token(tb testing.TB, page string) string {
	tb.Helper()
	_, after, ok := strings.Cut(page, `name="token" value="`)
	if !ok {
		tb.Fatalf("no form in %s", page)
	}
	t, _, _ := strings.Cut(after, `"`)
	return t
}

// live reports whether a grant still lives.
func (f *endpoint) live(tb testing.TB, g store.Grant) bool {
	tb.Helper()
	g, err := f.Store.Grant(tb.Context(), g.ID)
	must(tb, err)
	return !g.Ended(f.Clock.Now())
}
