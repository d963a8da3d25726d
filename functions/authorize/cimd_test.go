package authorize

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/cimd"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/store"
)

// A publisherHost is where a client publishes its metadata, on this machine.
type publisherHost struct {
	*httptest.Server
	id    string
	hits  atomic.Int64
	reply atomic.Pointer[http.HandlerFunc] // nil: a document that is right
}

const rightMembers = `"client_name":"Local Client",` +
	`"redirect_uris":["http://localhost/callback","http://127.0.0.1/callback"],` +
	`"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"`

func (p *publisherHost) document(members string) string {
	return fmt.Sprintf(`{"client_id":%q,%s}`, p.id, members)
}

func (p *publisherHost) answer(f http.HandlerFunc) { p.reply.Store(&f) }

func jsonAnswer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

func publishHere(tb testing.TB) *publisherHost {
	tb.Helper()
	p := &publisherHost{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.hits.Add(1)
		if f := p.reply.Load(); f != nil {
			(*f)(w, r)
			return
		}
		jsonAnswer(p.document(rightMembers))(w, r)
	}))
	tb.Cleanup(p.Close)
	p.id = p.URL + "/oauth/client.json"
	return p
}

func withDocuments(f *endpoint) {
	f.Memory.RunOnce()
	f.Documents = cimd.New(cimd.Options{Now: f.Clock.Now, Log: f.Log})
}

// redeemCIMD redeems a code of a CIMD client.
func (s *server) redeemCIMD(tb testing.TB, id, code string) store.Redemption {
	tb.Helper()
	red, _, err := s.Store.RedeemCode(tb.Context(), credential.Wrap(code), "", store.Client{ID: id},
		func(c store.Code) error { return c.Challenge.Verify(verifier) })
	must(tb, err)
	return red
}

// The document is read for the page alone. Its host may be down, or publish another, from then on;
// port and all, the sign-in ends as it was approved (CIM-01, CIM-03, CIM-07, CIM-20, CIM-21, CD-07,
// SF-15).
func TestCIMDClientSignsInByTheDocumentOfThePage(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(*publisherHost){
		"nothing":       func(*publisherHost) {},
		"the host dies": func(p *publisherHost) { p.Close() },
		"another document": func(p *publisherHost) {
			p.answer(jsonAnswer(p.document(`"client_name":"Evil","redirect_uris":["https://evil.example/"]`)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := serve(t, withDocuments), publishHere(t)
			b, uri := s.browser("http://localhost:51234/callback"), "http://localhost:51234/callback"
			page := get(t, b, s.request("client_id", p.id, "redirect_uri", uri), http.StatusOK)
			s.wantCost(t, "GET", 0, 0)
			meanwhile(p)
			s.Clock.Advance(6 * time.Minute) // longer than the document is kept
			page = press(t, b, page, "decision=approve")
			s.wantCost(t, "approve", 0, 0)
			page, err := b.Continue(t.Context(), page, "octocat")
			must(t, err)
			q := parameters(t, page.Redirect)
			s.wantCost(t, "callback", 0, 1)
			if got := p.hits.Load(); got != 1 {
				t.Errorf("got %d fetches, want one", got)
			}
			red := s.redeemCIMD(t, p.id, q.Get("code"))
			g := red.Grant
			if g.ClientID != p.id || g.ClientName != "Local Client" || !g.Public || !g.CIMD ||
				g.Person.Login != "octocat" || red.Refresh.IsZero() {
				t.Errorf("got grant %+v, want one of the client as it was on the page, with a refresh token", g)
			}
			if _, err := s.Store.LiveGrant(t.Context(), g.ID); err != nil {
				t.Errorf("live grant: got %v", err)
			}
		})
	}
}

// An id is looked up as it stands, its query too, and stands for no other id (CIM-02, CIM-05).
func TestCIMDClientMayHaveAQuery(t *testing.T) {
	t.Parallel()
	s, p := serve(t, withDocuments), publishHere(t)
	id := p.URL + "/client.json?tenant=a%20b&v=1"
	p.answer(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "tenant=a%20b&v=1" {
			t.Errorf("the document was asked for with the query %q", r.URL.RawQuery)
		}
		jsonAnswer(fmt.Sprintf(`{"client_id":%q,%s}`, id, rightMembers))(w, r)
	})
	s.signIn(t, s.browser(loopbackURI), s.request("client_id", id), "octocat")
	p.answer(jsonAnswer(fmt.Sprintf(`{"client_id":%q,%s}`, id, rightMembers)))
	if w := s.send(t, http.MethodGet, s.request("client_id", p.id), ""); w.Code != http.StatusBadRequest {
		t.Errorf("the same address without the query: got %d, want 400", w.Code)
	}
}

// A client that completed a sign-in is known here however many others strangers name (SF-11).
func TestStrangersPushNoUsedCIMDClientOut(t *testing.T) {
	t.Parallel()
	s, p := serve(t, withDocuments), publishHere(t)
	p.answer(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=86400")
		jsonAnswer(fmt.Sprintf(`{"client_id":%q,%s}`, p.URL+r.URL.Path, rightMembers))(w, r)
	})
	s.signIn(t, s.browser(loopbackURI), s.request("client_id", p.id), "octocat")
	for n := range 300 {
		s.Clock.Advance(2 * time.Second) // no limit is reached
		s.show(t, "client_id", fmt.Sprintf("%s/%d.json", p.URL, n))
	}
	before := p.hits.Load()
	s.show(t, "client_id", p.id)
	if got := p.hits.Load() - before; before < 301 || got != 0 {
		t.Errorf("got %d fetches and then %d, want 301 and then none", before, got)
	}
}

// The person is asked about a CIMD client every time, and the store never: the cost budget
// of design.md is not one read, whether the document is fetched or kept (CD-04, CON-01, G5, AUZ-14).
func TestCIMDClientIsAskedAboutEveryTime(t *testing.T) {
	t.Parallel()
	s, p := serve(t, withDocuments), publishHere(t)
	b := s.browser(loopbackURI)
	for range 2 {
		page := get(t, b, s.request("client_id", p.id), http.StatusOK)
		s.wantCost(t, "GET", 0, 0)
		if page.FormWith("decision=approve") == nil {
			t.Fatal("got a page without question")
		}
		parameters(t, walk(t, b, page, "octocat").Redirect)
		s.Cost.Take()
	}
	if got := p.hits.Load(); got != 1 {
		t.Errorf("got %d fetches, want one", got)
	}
}

// A client that publishes no refresh_token grant gets none.
func TestCIMDGrantTypesCount(t *testing.T) {
	t.Parallel()
	s, p := serve(t, withDocuments), publishHere(t)
	p.answer(jsonAnswer(p.document(`"client_name":"X","redirect_uris":["http://127.0.0.1/callback"],` +
		`"grant_types":["authorization_code","urn:x:device_code"]`)))
	q := s.signIn(t, s.browser(loopbackURI), s.request("client_id", p.id), "octocat")
	if red := s.redeemCIMD(t, p.id, q.Get("code")); !red.Refresh.IsZero() {
		t.Error("got a refresh token, want none")
	}
}

// The host of the id is told from the name, and from a host where anybody can publish (CIM-15,
// CIM-16, CIM-17, CD-11, SF-14, SF-16).
func TestThePageSaysWhoPublishedTheClient(t *testing.T) {
	t.Parallel()
	f := open(t, https, withDocuments)
	h := &handler{Config: f.Config}
	show := func(c client, uri string) string {
		page := edge.Wrap(edge.Everything(pages.Errors(func(w http.ResponseWriter, r *http.Request) error {
			redirect, err := h.policy(r).Match([]string{uri}, uri)
			must(t, err)
			return h.showConsent(w, r, c, redirect, request{ClientID: c.ID, RedirectURI: uri, CIMD: c.copied})
		})), edge.Options{Deployment: f.Edge})
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize", nil))
		got, elements := text(t, w.Body.String())
		if elements["img"] != 0 {
			t.Errorf("%s: the page shows a picture", c.ID)
		}
		return got
	}
	metadata := oauth.ClientMetadata{ClientName: "Claude"}
	cimdClient := func(id string) client {
		publisher, err := cimd.ParseID(id, f.Edge.Issuer)
		must(t, err)
		return client{store.Client{ID: id, Metadata: metadata}, publisher, &store.CIMDCopy{Name: "Claude"}}
	}
	for _, row := range []struct {
		client   client
		uri      string
		has, not []string
	}{
		{cimdClient("https://claude.ai/oauth/x"), loopbackURI,
			[]string{"Published by claude.ai", "nobody has checked it", "127.0.0.1:49152",
				"nobody can prove which program", "https://claude.ai/oauth/x"},
			[]string{"Anybody can publish"}},
		{cimdClient("https://evil.github.io/x"), "https://evil.github.io/cb",
			[]string{"Published by evil.github.io", "Anybody can publish at evil.github.io", "nobody has checked it"},
			[]string{"nobody can prove"}},
		{client{Client: store.Client{ID: "c_1", Metadata: metadata}}, loopbackURI, []string{"nobody has checked it"},
			[]string{"Published by", "Anybody can publish"}},
	} {
		got := show(row.client, row.uri)
		for _, s := range row.has {
			if !strings.Contains(got, s) {
				t.Errorf("%s: the page does not say %q:\n%s", row.client.ID, s, got)
			}
		}
		for _, s := range row.not {
			if strings.Contains(got, s) {
				t.Errorf("%s: the page says %q", row.client.ID, s)
			}
		}
	}
}

// A document that cannot be had ends on a page that names the host and what to do: no redirect, no
// cookie, no look at the store, and no fault of ours in the log (CIM-04, CIM-05, CIM-14, W2, A3,
// G2, G4, G6, SF-07, SF-12, LG-01).
func TestDocumentsThatCannotBeHadEndOnAPage(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	s := serve(t, withDocuments)
	for name, row := range map[string]struct {
		id    string // empty: the host's own
		reply http.HandlerFunc
		want  int
		says  string
	}{
		"host turns us away": {"", status(403), 502, "answered with status 403"},
		"host fails":         {"", status(500), 502, "answered with status 500"},
		"gone":               {"", status(404), 502, "answered with status 404"},
		"redirect":           {"", status(302), 502, "answered with status 302"},
		"page": {"", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
			400, "another media type"},
		"other id": {"", jsonAnswer(`{"client_id":"https://claude.ai/x",` + rightMembers + `}`), 400,
			"another client_id"},
		"no name":        {"", jsonAnswer(`{}`), 400, "another client_id"},
		"closed port":    {"http://127.0.0.1:1/client.json", nil, 502, "could not be read"},
		"private":        {"http://10.0.0.1:9/client.json", nil, 400, "must start with https://"},
		"fragment":       {"https://claude.ai/x?y=1#z", nil, 400, "may not have"},
		"cloud metadata": {"https://metadata.google.internal/x", nil, 400, "may not be on this host"},
		"ourselves":      {s.origin + "/client.json", nil, 400, "may not be on this host"},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishHere(t)
			if row.reply != nil {
				p.answer(row.reply)
			}
			id := row.id
			if id == "" {
				id = p.id
			}
			u := s.request("client_id", id)
			w := s.send(t, http.MethodGet, u, "", "Accept", "text/html")
			got, _ := text(t, w.Body.String())
			if w.Code != row.want || !strings.Contains(got, row.says) || w.Header().Get("Location") != "" ||
				w.Header().Get("Set-Cookie") != "" {
				t.Errorf("got %d %v\n%s\nwant %d that says %q and leads nowhere", w.Code, w.Header(), got, row.want,
					row.says)
			}
			if row.id == "" && !strings.Contains(got, p.Listener.Addr().String()) {
				t.Errorf("the page does not name the host:\n%s", got)
			}
			if (w.Header().Get("Retry-After") != "") != (row.want == 502) {
				t.Errorf("Retry-After: got %q", w.Header().Get("Retry-After"))
			}
			j := s.send(t, http.MethodGet, u, "", "Accept", "application/json")
			if j.Code != row.want || !strings.Contains(j.Body.String(), `"invalid_client"`) ||
				!strings.Contains(j.Body.String(), row.says) {
				t.Errorf("as JSON: got %d %s", j.Code, j.Body)
			}
			s.wantCost(t, "a document that cannot be had", 0, 0)
		})
	}
	if strings.Contains(s.Lines.String(), `"ERROR"`) {
		t.Errorf("somebody is woken by a stranger's server:\n%s", s.Lines)
	}
}

// What can be refused without the document is, before anybody is asked (SF-11, AV-03).
func TestNothingIsFetchedForARequestThatLeadsNowhere(t *testing.T) {
	t.Parallel()
	s, p := serve(t, withDocuments), publishHere(t)
	for name, changes := range map[string][]string{
		"no challenge": {"code_challenge", ""}, "plain": {"code_challenge_method", "plain"},
		"no redirect": {"redirect_uri", ""}, "forbidden redirect": {"redirect_uri", "http://evil.example/cb"},
		"javascript": {"redirect_uri", "javascript:alert(1)"}, "response type": {"response_type", "token"},
		"resource": {"resource", "https://other.example/mcp"}, "long state": {"state", strings.Repeat("a", 2001)},
	} {
		w := s.send(t, http.MethodGet, s.request(append([]string{"client_id", p.id}, changes...)...), "")
		if w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" {
			t.Errorf("%s: got %d %v, want 400 and no redirect", name, w.Code, w.Header())
		}
	}
	s.send(t, http.MethodGet, s.request("client_id", p.id), "", "Sec-Purpose", "prefetch")
	if got := p.hits.Load(); got != 0 {
		t.Errorf("got %d fetches, want none", got)
	}
	w := s.send(t, http.MethodGet, s.request("client_id", p.id, "redirect_uri", "https://evil.example/cb"), "")
	if w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), `href="https://evil.example`) {
		t.Errorf("CIM-07, CD-13: got %d %s, want no way to an address that the document does not have", w.Code, w.Body)
	}
}

// Turned off, a URL does not name a client, and nobody is asked. DCR is as before (CIM-18).
func TestDocumentsMayBeTurnedOff(t *testing.T) {
	t.Parallel()
	s, p := serve(t, nil), publishHere(t)
	w := s.send(t, http.MethodGet, s.request("client_id", p.id), "")
	if w.Code != http.StatusBadRequest || p.hits.Load() != 0 ||
		!strings.Contains(w.Body.String(), "does not take clients that publish") {
		t.Errorf("got %d, %d fetches\n%s", w.Code, p.hits.Load(), w.Body)
	}
	s.signIn(t, s.browser(loopbackURI), s.request(), "octocat")
}
