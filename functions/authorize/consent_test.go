package authorize

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// A shown page is a consent page as the wire has it: the sealed transaction and the cookie.
type shown struct{ transaction, cookie string }

func (f *endpoint) show(tb testing.TB, changes ...string) shown {
	tb.Helper()
	w := f.send(tb, http.MethodGet, f.request(changes...), "")
	if w.Code != http.StatusOK {
		tb.Fatalf("got %d %s, want the page", w.Code, w.Body)
	}
	_, after, _ := strings.Cut(w.Body.String(), `name="transaction" value="`)
	sealed, _, ok := strings.Cut(after, `"`)
	cookies := w.Result().Cookies()
	if !ok || len(cookies) != 1 {
		tb.Fatalf("got %d cookies and transaction %q", len(cookies), sealed)
	}
	return shown{sealed, cookies[0].Name + "=" + cookies[0].Value}
}

// decide posts a decision with the cookie, which may be empty.
func (f *endpoint) post(tb testing.TB, p shown, decision string, headers ...string) *httptest.ResponseRecorder {
	tb.Helper()
	if p.cookie != "" {
		headers = append(headers, "Cookie", p.cookie)
	}
	body := url.Values{"transaction": {p.transaction}, "decision": {decision}}.Encode()
	return f.send(tb, http.MethodPost, f.origin+oauth.AuthorizePath, body, headers...)
}

func wantPage(tb testing.TB, what string, w *httptest.ResponseRecorder, status int) {
	tb.Helper()
	if w.Code != status || w.Header().Get("Location") != "" {
		tb.Errorf("%s: got %d to %q, want a page with %d", what, w.Code, w.Header().Get("Location"), status)
	}
}

const https = "https://auth.example.com"

// A client that gets no refresh token has access until its access token ends, and the page says so.
func TestThePageSaysForHowLong(t *testing.T) {
	t.Parallel()
	f := open(t, https, nil)
	_, err := f.Store.RegisterClient(t.Context(), store.Client{ID: "c_once", Metadata: oauth.ClientMetadata{
		RedirectURIs: []string{"http://127.0.0.1/callback"}, GrantTypes: []string{oauth.GrantAuthorizationCode},
		TokenEndpointAuthMethod: oauth.AuthMethodNone,
	}})
	must(t, err)
	const short, long = "60 minutes, and then it has to ask you again", "until 90 days pass without use"
	for _, row := range []struct{ client, scope, want string }{
		{"c_once", "mcp", short},
		{"c_once", "mcp offline_access", long},
		{loopbackID, "mcp", long},
	} {
		w := f.send(t, http.MethodGet, f.request("client_id", row.client, "scope", row.scope), "")
		if want := "<dd>" + row.want + "</dd>"; !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s asks for %s: got %s, want %q in it", row.client, row.scope, w.Body, want)
		}
	}
}

// A form that another instance sealed with a newer key is a fault while our ring cannot be
// read again, and good as soon as it can: nothing was too old and nothing was forged.
func TestAFormIsNotRefusedWhileTheRingIsStale(t *testing.T) {
	t.Parallel()
	older, newer := fernet.GenerateKey(), fernet.GenerateKey()
	content, absent := fernet.Keyring{older}.Format(), error(nil)
	f := open(t, https, func(f *endpoint) {
		f.Box = seal.NewBox(keyfile.New("keys", fernet.ParseKeyring, &keyfile.Options{
			Now:  f.Clock.Now,
			Log:  f.Lines.Logger(),
			Read: func(string) ([]byte, error) { return content, absent },
		}), f.Clock.Now)
	})
	f.show(t) // reads the ring
	stale := f.Box
	f.Box = fixture.Sealer(f.Clock, newer)
	other, err := New(f.Config)
	must(t, err)
	f.Box = stale
	mine := f.Handler
	f.Handler = other
	page := f.show(t)
	f.Handler = mine
	absent = errors.New("permission denied")
	f.Clock.Advance(2 * time.Second)
	wantPage(t, "the ring cannot be read", f.post(t, page, "approve"), http.StatusServiceUnavailable)
	content, absent = fernet.Keyring{newer, older}.Format(), nil
	f.Clock.Advance(5 * time.Minute)
	if w := f.post(t, page, "approve"); w.Code != http.StatusSeeOther {
		t.Errorf("the ring is back: got %d %s, want 303", w.Code, w.Body)
	}
}

// The form counts only from our page, in the browser that was shown it (CD-03, CON-05, CON-07).
func TestApprovalNeedsOurPageInTheSameBrowser(t *testing.T) {
	t.Parallel()
	f := open(t, https, nil)
	mine, other := f.show(t), f.show(t)
	for what, headers := range map[string][]string{
		"another site":   {"Sec-Fetch-Site", "cross-site"},
		"a sibling":      {"Sec-Fetch-Site", "same-site"},
		"typed in":       {"Sec-Fetch-Site", "none"},
		"foreign origin": {"Origin", "https://evil.example"},
		"other scheme":   {"Origin", "http://auth.example.com"},
	} {
		wantPage(t, what, f.post(t, mine, "approve", headers...), http.StatusForbidden)
	}
	wantPage(t, "no cookie", f.post(t, shown{mine.transaction, ""}, "approve"), http.StatusForbidden)
	wantPage(t, "cookie of another page", f.post(t, shown{mine.transaction, other.cookie}, "approve"),
		http.StatusForbidden)
	name, value, _ := strings.Cut(mine.cookie, "=")
	_, foreign, _ := strings.Cut(other.cookie, "=")
	wantPage(t, "value of another page", f.post(t, shown{mine.transaction, name + "=" + foreign}, "approve"),
		http.StatusForbidden)
	// Two of one name, in both orders, and the name without its prefix (UP-02).
	wantPage(t, "twice", f.post(t, shown{mine.transaction, mine.cookie + "; " + name + "=" + foreign}, "approve"),
		http.StatusForbidden)
	wantPage(t, "twice", f.post(t, shown{mine.transaction, name + "=" + foreign + "; " + mine.cookie}, "approve"),
		http.StatusForbidden)
	wantPage(t, "no prefix", f.post(t, shown{mine.transaction, strings.TrimPrefix(name, "__Host-") + "=" + value},
		"approve"), http.StatusForbidden)
	for what, headers := range map[string][]string{
		"same origin":                 {"Sec-Fetch-Site", "same-origin", "Origin", https},
		"under no-referrer":           {"Sec-Fetch-Site", "same-origin", "Origin", "null"},
		"a browser that says nothing": nil,
	} {
		if w := f.post(t, mine, "approve", headers...); w.Code != http.StatusSeeOther { // CD-18, H7
			t.Errorf("%s: got %d, want 303", what, w.Code)
		}
	}
}

// Nothing in the form decides but the transaction and the button (CD-07, CD-08).
func TestTheFormCarriesNothingThatDecides(t *testing.T) {
	t.Parallel()
	f := open(t, https, nil)
	p := f.show(t)
	for _, add := range []string{"client_id=" + webID, "scope=all", "redirect_uri=" + url.QueryEscape(webURI),
		"state=x", "resource=" + https} {
		body := url.Values{"transaction": {p.transaction}, "decision": {"approve"}}.Encode() + "&" + add
		wantPage(t, add, f.send(t, http.MethodPost, oauth.AuthorizePath, body, "Cookie", p.cookie),
			http.StatusBadRequest)
		body = strings.TrimSuffix(body, "&"+add)
		wantPage(t, "query "+add, f.send(t, http.MethodPost, oauth.AuthorizePath+"?"+add, body, "Cookie", p.cookie),
			http.StatusBadRequest)
	}
	for i := range p.transaction {
		if i%7 != 0 {
			continue
		}
		changed := []byte(p.transaction)
		changed[i] ^= 1
		wantPage(t, "changed", f.post(t, shown{string(changed), p.cookie}, "approve"), http.StatusBadRequest)
	}
	for _, decision := range []string{"", "Approve", "yes", "approve deny"} {
		wantPage(t, decision, f.post(t, p, decision), http.StatusBadRequest)
	}
}

// Nothing that is there before approval opens the callback (CD-05, CON-08, CON-10, CON-11).
func TestNoStateBeforeApproval(t *testing.T) {
	t.Parallel()
	f := open(t, https, nil)
	p := f.show(t)
	name, value, _ := strings.Cut(p.cookie, "=")
	id := strings.TrimPrefix(name, "__Host-"+consentCookie)
	for _, state := range []string{id, id + ".", id + "." + value, value, p.transaction, credential.Hash(value)} {
		for _, cookie := range []string{
			"", p.cookie, "__Host-" + signInCookie + id + "=" + p.transaction,
			"__Host-" + signInCookie + id + "=" + value,
		} {
			w := f.send(t, http.MethodGet, oauth.CallbackPath+"?login=octocat&state="+url.QueryEscape(state), "",
				"Cookie", cookie)
			if w.Code != http.StatusForbidden && w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" {
				t.Errorf("state %.20s: got %d to %q, want a page", state, w.Code, w.Header().Get("Location"))
			}
		}
	}
}

// Pages fetched twice and forms sent twice are what browsers do (CD-09, H2, W5).
func TestRepeatedPagesAndFormsWork(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	b := s.browser(loopbackURI)
	first := get(t, b, s.request(), http.StatusOK)
	get(t, b, s.request(), http.StatusOK)
	p := press(t, b, first, "decision=approve")
	p, err := b.Continue(t.Context(), p, "octocat")
	must(t, err)
	parameters(t, p.Redirect)

	f := open(t, https, nil)
	shown := f.show(t)
	want := f.post(t, shown, "approve").Header().Get("Location")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := f.post(t, shown, "approve").Header().Get("Location"); got != want {
				t.Errorf("repeated approval: got %s, want %s", got, want)
			}
		})
	}
	wg.Wait()
}

// No is final in this browser, in either order, and needs no client record (CD-12, CD-17, CON-14,
// H8).
func TestDenyIsFinal(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	b := s.browser(loopbackURI)
	p := get(t, b, s.request(), http.StatusOK)
	signIn := press(t, b, p, "decision=approve")
	must(t, s.Store.DeleteClient(t.Context(), loopbackID, nil))
	q := parameters(t, press(t, b, p, "decision=deny").Redirect)
	wantDenied(t, s, q, "the person declined")
	late, err := b.Continue(t.Context(), signIn, "octocat")
	must(t, err)
	check(t, late, http.StatusForbidden)
	check(t, press(t, b, p, "decision=approve"), http.StatusForbidden)
	check(t, press(t, b, p, "decision=deny"), http.StatusForbidden)
}

// A transaction ends at SIGN_IN_TTL, wherever it is (CD-17, UP-01).
func TestOldTransactionsEnd(t *testing.T) {
	t.Parallel()
	f := open(t, https, func(f *endpoint) { f.origin = https })
	p := f.show(t)
	f.Clock.Advance(f.SignInTTL - time.Nanosecond)
	if w := f.post(t, p, "approve"); w.Code != http.StatusSeeOther {
		t.Errorf("in time: got %d, want 303", w.Code)
	}
	f.Clock.Advance(time.Nanosecond)
	wantPage(t, "approve", f.post(t, p, "approve"), http.StatusBadRequest)
	wantPage(t, "deny", f.post(t, p, "deny"), http.StatusBadRequest)

	s := serve(t, nil)
	b := s.browser(loopbackURI)
	signIn := press(t, b, get(t, b, s.request(), http.StatusOK), "decision=approve")
	s.Clock.Advance(s.SignInTTL)
	late, err := b.Continue(t.Context(), signIn, "octocat")
	must(t, err)
	check(t, late, http.StatusBadRequest)
}

// What browsers fetch ahead starts nothing, and no GET changes anything (CD-14).
func TestPrefetchStartsNothing(t *testing.T) {
	t.Parallel()
	f := open(t, https, nil)
	for _, purpose := range []string{"prefetch", "prefetch;prerender", "preview"} {
		w := f.send(t, http.MethodGet, f.request(), "", "Sec-Purpose", purpose)
		wantPage(t, purpose, w, http.StatusForbidden)
		if len(w.Result().Cookies()) > 0 || strings.Contains(w.Body.String(), "transaction") {
			t.Errorf("%s: got a transaction", purpose)
		}
	}
	w := f.send(t, http.MethodHead, f.request(), "")
	if w.Code != http.StatusOK || w.Body.Len() > 0 {
		t.Errorf("HEAD: got %d with %d bytes", w.Code, w.Body.Len())
	}
}

// 2,000 strangers cost a read each and no write (AV-02, AUZ-01).
func TestStrangersWriteNothing(t *testing.T) {
	t.Parallel()
	f := open(t, https, nil)
	for range 2_000 {
		f.send(t, http.MethodGet, f.request(), "")
	}
	if got, want := f.Cost.Take(), (memory.Cost{Reads: 2_000}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// 200 starts in one browser leave a Cookie header that every server takes, and the next works
// (AV-01, H3).
func TestManyStartsLeaveRoomForTheNext(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"short", strings.Repeat("s", 1900)} {
		s := serve(t, nil)
		b := s.browser(loopbackURI)
		origin, err := url.Parse(s.origin)
		must(t, err)
		for range 200 {
			p := get(t, b, s.request("state", state), http.StatusOK)
			press(t, b, p, "decision=approve")
			if size := len(strings.Join(b.Cookies(origin), "; ")); size > 12<<10 {
				t.Fatalf("got %d bytes of cookies, want at most 12 KiB", size)
			}
		}
		s.signIn(t, b, s.request("state", state), "octocat")
	}
}

// Flows side by side in one browser do not disturb each other (H3).
func TestFlowsSideBySide(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	b := s.browser(loopbackURI)
	var pages []*oauthtest.Page
	for range 5 {
		pages = append(pages, press(t, b, get(t, b, s.request(), http.StatusOK), "decision=approve"))
	}
	for _, p := range pages {
		done, err := b.Continue(t.Context(), p, "octocat")
		must(t, err)
		parameters(t, done.Redirect)
	}
}

// What the client may not do any more when the browser comes back is not done (CD-07, RU-01,
// RU-15).
func TestRedirectURIIsMatchedAgainAtTheEnd(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	b := s.browser(loopbackURI)
	signIn := press(t, b, get(t, b, s.request(), http.StatusOK), "decision=approve")
	_, err := s.Store.UpdateClient(t.Context(), loopbackID, func(c *store.Client) error {
		c.Metadata.RedirectURIs = []string{"https://elsewhere.example/"}
		return nil
	})
	must(t, err)
	p, err := b.Continue(t.Context(), signIn, "octocat")
	must(t, err)
	check(t, p, http.StatusBadRequest)

	b = s.browser(webURI)
	signIn = press(t, b, get(t, b, s.request("client_id", webID, "redirect_uri", webURI), http.StatusOK),
		"decision=approve")
	must(t, s.Store.DeleteClient(t.Context(), webID, nil))
	p, err = b.Continue(t.Context(), signIn, "octocat")
	must(t, err)
	check(t, p, http.StatusBadRequest)
	if !strings.Contains(p.Body, "Clear authentication") {
		t.Errorf("a deleted client: got %s, want the page that says what to do", p.Body)
	}
}
