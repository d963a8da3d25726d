package connections

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/session"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
)

const (
	octocat = "github:583231"
	mona    = "github:2"
)

// A person sees their own connections, each with what was proved of it, and nobody else's (CD-19).
func TestPersonSeesTheirOwnConnections(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.connect(t, octocat, "Claude <Code>")
	f.connect(t, octocat, "", func(c *store.Code) { c.RedirectURI = "com.example.app:/oauth" })
	f.connect(t, mona, "Mona's client")
	f.Cost.Take()
	got := f.page(t, f.signIn(t, octocat, "octocat"))
	f.WantCost(t, "the page", memory.Cost{Reads: 1})
	for _, want := range []string{
		"<bdi>octocat</bdi>", "Claude &lt;Code&gt;", "<bdi>127.0.0.1:5</bdi>", "An application without a name",
		"an app on your device that opens <bdi>com.example.app:</bdi>", "use the tools of this server in your name",
		f.Clock.Now().Format("2006-01-02 15:04") + " UTC", "within 30 seconds",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not have %s\n%s", want, got)
		}
	}
	if strings.Contains(got, "Mona") {
		t.Error("the page has another person's connection")
	}
}

// Without a session there is the way to sign in, and nothing of anybody (CD-20).
func TestNobodySeesAnythingUnsigned(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.connect(t, octocat, "Client")
	cookie := f.signIn(t, octocat, "octocat")
	f.Clock.Advance(session.Life)
	name, value, _ := strings.Cut(cookie, "=")
	for what, cookie := range map[string]string{
		"no cookie": "", "one that is over": cookie, "an altered one": name + "=" + value[:len(value)-2] + "AA",
		"one without its prefix": strings.TrimPrefix(cookie, "__Host-"), "two": cookie + "; " + cookie,
	} {
		got := f.page(t, cookie)
		if !strings.Contains(got, `action="/connections/sign-in"`) || strings.Contains(got, "Client") {
			t.Errorf("%s: got %s", what, got)
		}
	}
}

// Ending is in force for every token of the grant, is on record, and shows.
func TestPersonEndsOneConnection(t *testing.T) {
	t.Parallel()
	f := open(t)
	one, other := f.connect(t, octocat, "One"), f.connect(t, octocat, "Other")
	cookie := f.signIn(t, octocat, "octocat")
	body := url.Values{"token": {token(t, f.page(t, cookie))}, "end": {store.GrantDocument(one.ID)}}.Encode()
	for range 2 { // a double click
		w := f.send(t, http.MethodPost, oauth.ConnectionsPath, body, "Cookie", cookie, "Origin", fixture.Origin,
			"Sec-Fetch-Site", "same-origin")
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != oauth.ConnectionsPath {
			t.Fatalf("got %d to %q\n%s", w.Code, w.Header().Get("Location"), w.Body)
		}
	}
	if f.live(t, one) || !f.live(t, other) {
		t.Errorf("one lives: %t, the other: %t", f.live(t, one), f.live(t, other))
	}
	if got := f.page(t, cookie); !strings.Contains(got, "Ended lately") || strings.Contains(got, "End <bdi>One") {
		t.Errorf("the page does not show what was ended:\n%s", got)
	}
	if n := strings.Count(f.Lines.String(), `"by":"person"`); n != 1 {
		t.Errorf("the end is %d times on record, want once", n)
	}
}

func TestPersonEndsAllOfTheirOwn(t *testing.T) {
	t.Parallel()
	f := open(t)
	one, two, foreign := f.connect(t, octocat, "One"), f.connect(t, octocat, "Two"), f.connect(t, mona, "Three")
	cookie := f.signIn(t, octocat, "octocat")
	body := url.Values{"token": {token(t, f.page(t, cookie))}, "end": {"all"}}.Encode()
	f.send(t, http.MethodPost, oauth.ConnectionsPath, body, "Cookie", cookie)
	if f.live(t, one) || f.live(t, two) || !f.live(t, foreign) {
		t.Errorf("live: %t, %t, of another person: %t", f.live(t, one), f.live(t, two), f.live(t, foreign))
	}
	if got := f.page(t, cookie); !strings.Contains(got, "no application is connected") {
		t.Errorf("got %s", got)
	}
}

// A page of another site, another session's form, or another person's grant ends nothing (CD-20): somebody else may
// have signed in meanwhile, in another tab.
func TestNothingEndsThatWasNotPressedHereAndNow(t *testing.T) {
	t.Parallel()
	f := open(t)
	mine, foreign := f.connect(t, octocat, "Mine"), f.connect(t, mona, "Hers")
	cookie := f.signIn(t, octocat, "octocat")
	own := token(t, f.page(t, cookie))
	again := f.signIn(t, octocat, "octocat")
	hers := f.signIn(t, mona, "mona")
	document := store.GrantDocument(mine.ID)
	for _, c := range []struct {
		what, token, end, cookie string
		status                   int
		headers                  []string
	}{
		{"another site", own, document, cookie, 403, []string{"Sec-Fetch-Site", "cross-site"}},
		{"another origin", own, document, cookie, 403, []string{"Origin", "https://evil.example"}},
		{"no token", "", document, cookie, 403, nil},
		{"a guessed token", strings.Repeat("A", 43), document, cookie, 403, nil},
		{"the form of an earlier session", own, document, again, 403, nil},
		{"another account in another tab", own, "all", hers, 403, nil},
		{"no session", own, document, "", 403, nil},
		{"no button", own, "", cookie, 400, nil},
		{"another person's grant", own, store.GrantDocument(foreign.ID), cookie, 303, nil},
		{"a grant that is not there", own, store.GrantDocument("x"), cookie, 303, nil},
	} {
		body := url.Values{"token": {c.token}, "end": {c.end}}.Encode()
		w := f.send(t, http.MethodPost, oauth.ConnectionsPath, body, append(c.headers, "Cookie", c.cookie)...)
		if w.Code != c.status || !f.live(t, mine) || !f.live(t, foreign) {
			t.Errorf("%s: got %d, want %d; mine lives: %t, hers: %t", c.what, w.Code, c.status, f.live(t, mine),
				f.live(t, foreign))
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: got policy %q", c.what, csp)
		}
	}
	w := f.send(t, http.MethodPost, oauth.ConnectionsPath, "token="+own+"&end="+document+"&x=y", "Cookie", cookie)
	if w.Code != http.StatusBadRequest || !f.live(t, mine) {
		t.Errorf("a field of somebody else's: got %d", w.Code)
	}
}

func TestSigningOutEndsTheSessionAlone(t *testing.T) {
	t.Parallel()
	f := open(t)
	g := f.connect(t, octocat, "Client")
	cookie := f.signIn(t, octocat, "octocat")
	body := url.Values{"token": {token(t, f.page(t, cookie))}, "end": {"session"}}.Encode()
	w := f.send(t, http.MethodPost, oauth.ConnectionsPath, body, "Cookie", cookie)
	if set := w.Header().Get("Set-Cookie"); w.Code != http.StatusSeeOther || !strings.Contains(set, "Max-Age=0") {
		t.Errorf("got %d, Set-Cookie %q", w.Code, set)
	}
	if !f.live(t, g) {
		t.Error("the connection ended too")
	}
}

// A store that does not answer is a fault, never "you have none"; nothing counts as ended then.
func TestAFaultIsNotAnEmptyList(t *testing.T) {
	t.Parallel()
	f := open(t)
	g := f.connect(t, octocat, "Client")
	cookie := f.signIn(t, octocat, "octocat")
	own := token(t, f.page(t, cookie))
	f.Faults.Before(fixture.Down(memory.OpList))
	w := f.send(t, http.MethodGet, oauth.ConnectionsPath, "", "Cookie", cookie)
	if w.Code != 503 || !strings.Contains(w.Body.String(), "they show what is still connected") {
		t.Errorf("got %d, want 503 and the way back\n%s", w.Code, w.Body)
	}
	body := url.Values{"token": {own}, "end": {"all"}}.Encode()
	if w := f.send(t, http.MethodPost, oauth.ConnectionsPath, body, "Cookie", cookie); w.Code != 503 {
		t.Errorf("got %d, want 503", w.Code)
	}
	f.Faults.Before(nil)
	if !f.live(t, g) {
		t.Error("the connection ended")
	}
}

// However many there are, the page stays a page, newest first, and "all" means all.
func TestManyConnectionsStayOnePage(t *testing.T) {
	t.Parallel()
	f := open(t, func(c *Config) { c.RevocationMaxAge = 0 })
	var all []store.Grant
	for i := range maxShown + 3 {
		all = append(all, f.connect(t, octocat, fmt.Sprintf("Client %03d %s", i, strings.Repeat("x", 80))))
		f.Clock.Advance(time.Second)
	}
	cookie := f.signIn(t, octocat, "octocat")
	got := f.page(t, cookie)
	if len(got) > 20<<10 {
		t.Errorf("the page has %d bytes, want 20 KiB at most", len(got))
	}
	if n := strings.Count(got, "<section>"); n != maxShown || !strings.Contains(got, "3 older connections") {
		t.Errorf("got %d connections", n)
	}
	newest := strings.Contains(got, "Client 012") && !strings.Contains(got, "Client 000")
	if !newest || !strings.Contains(got, "at once") {
		t.Errorf("not the newest are shown, or ending is not at once:\n%s", got)
	}
	f.send(t, http.MethodPost, oauth.ConnectionsPath,
		url.Values{"token": {token(t, got)}, "end": {"all"}}.Encode(), "Cookie", cookie)
	for i, g := range all {
		if f.live(t, g) {
			t.Errorf("connection %d lives", i)
		}
	}
}
