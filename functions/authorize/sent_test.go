package authorize

import (
	"net/http"
	"strings"
	"testing"
)

// A browser that signs in for an app's own scheme ends on a page of ours with one way to the app,
// by itself and by a link, which nobody may keep or send on; the code works (H7, CD-16).
func TestSignInForAnAppEndsOnAPage(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	b := s.browser(appURI)
	p := walk(t, b, get(t, b, s.request("client_id", appID, "redirect_uri", appURI), http.StatusOK), "octocat")
	q := parameters(t, p.Redirect) // what the page was left for
	got, elements := text(t, p.Body)
	if p.Status != http.StatusOK || !strings.Contains(got, "You can close this page") || elements["script"] != 0 {
		t.Errorf("got %d %s, want the page that can be closed", p.Status, got)
	}
	link := p.Link("Open the application")
	if link != p.Redirect.String() || p.Header.Get("Refresh") != "0; url="+link {
		t.Errorf("got link %s, Refresh %q; want both to lead to %s", link, p.Header.Get("Refresh"), p.Redirect)
	}
	if !strings.Contains(p.Body, `<p class="actions late">`) { // not beside the app that is just opening
		t.Errorf("got %s, want the link to come late: an app that is opened twice may redeem twice", p.Body)
	}
	if p.Header.Get("Referrer-Policy") != "no-referrer" || p.Header.Get("Cache-Control") != "no-store" ||
		strings.Count(p.Body, q.Get("code")) != 1 {
		t.Errorf("got %v and %s, want a page that keeps the code to itself", p.Header, p.Body)
	}
	if g := s.redeem(t, q.Get("code")); g.ClientID != appID {
		t.Errorf("got a grant of %s", g.ClientID)
	}
}
