package test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/postern-dev/postern/test/internal/rig"
)

// A popupClient is a web page that opens the sign-in in a popup, waits for a message of its own
// callback page, and then closes the popup.
const popupClient = `<!DOCTYPE html><title>client</title>
<button onclick="popup = window.open(location.hash.slice(1), 'sign-in', 'width=500,height=700')">Connect</button>
<script>
addEventListener("message", e => {
	if (e.origin !== location.origin) return;
	answer = e.data;
	wasClosed = popup.closed;
	popup.close();
	document.title = document.body.id = "connected";
});
</script>`

const popupCallback = `<!DOCTYPE html><title>callback</title>
<script>
if (window.opener) window.opener.postMessage(location.search, location.origin);
else navigator.sendBeacon("/alone");
</script>`

// looking is how a page is asked again and again. The usual way asks before it is painted,
// and a page behind a popup may not be painted for minutes.
var looking = chromedp.WithPollingInterval(100 * time.Millisecond)

// A client that opened the sign-in in a popup gets its code from there, because no page of ours
// cuts the two windows off from one another (CD-10).
func TestChromiumFinishesASignInInAPopup(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := rig.Start(t, rig.Options{Bare: true})
	a, verifier, state, client, _ := startPopup(t, s, s.URL)
	var query string
	var closed bool
	do(t, client,
		chromedp.Poll(`document.title === "connected" && answer`, &query, looking),
		chromedp.Evaluate(`wasClosed`, &closed))
	if closed {
		t.Error("popup.closed was true while the popup was open")
	}
	q, err := url.ParseQuery(query[1:])
	if err != nil {
		t.Fatal(err)
	}
	arrived := make(chan url.Values, 1)
	arrived <- q
	redeemArrived(t, a, arrived, verifier, state)
}

// The test above is about the header: with it the same client waits for ever.
func TestChromiumLosesAPopupUnderAnOpenerPolicy(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := rig.Start(t, rig.Options{Bare: true})
	behind, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	strict := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", behind.Host },
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("Cross-Origin-Opener-Policy", "same-origin")
			return nil
		},
	})
	t.Cleanup(strict.Close)
	_, _, _, client, alone := startPopup(t, s, strict.URL)
	ctx, cancel := context.WithTimeout(t.Context(), rig.Patience)
	defer cancel()
	select {
	case <-alone:
	case <-ctx.Done():
		t.Fatal("the popup never came to the callback, or had its opener there")
	}
	var closed bool
	var title string
	do(t, client, chromedp.Evaluate(`popup.closed`, &closed), chromedp.Title(&title))
	if !closed || title != "client" {
		t.Errorf("got popup.closed %t, title %q; want a client that takes the popup for closed and waits",
			closed, title)
	}
}

// startPopup signs in at the server that answers at origin, in a popup of a client on another
// origin. client is the tab that waits; alone tells that the popup came to the callback and had no opener.
func startPopup(t *testing.T, s *rig.Server, origin string) (
	a *rig.App, verifier, state string, client context.Context, alone <-chan struct{},
) {
	t.Helper()
	reported := make(chan struct{}, 1)
	app := popupSite(t, reported)
	a = rig.NewApp(s)
	a.Origin, a.Resource, a.Redirect = origin, origin+"/mcp", app.URL+"/callback"
	if err := a.Register(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	address, verifier, state := a.AuthorizeURL()
	client = chromium(t)
	opened := chromedp.WaitNewTarget(client, func(i *target.Info) bool { return i.Type == "page" })
	do(t, client, chromedp.Navigate(app.URL+"/#"+address), chromedp.Click("button", chromedp.ByQuery))
	popup, closePopup := chromedp.NewContext(client, chromedp.WithTargetID(<-opened))
	t.Cleanup(closePopup)
	if err := chromedp.Run(popup); err != nil {
		t.Fatalf("find the popup: %v", err)
	}
	do(t, popup, approve)
	do(t, popup, signIn...)
	return a, verifier, state, client, reported
}

// popupSite serves the client. reported is sent a value when its callback page has no opener.
func popupSite(t *testing.T, reported chan<- struct{}) *httptest.Server {
	t.Helper()
	site := http.NewServeMux()
	for path, html := range map[string]string{"/": popupClient, "/callback": popupCallback} {
		site.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(html))
		})
	}
	site.HandleFunc("POST /alone", func(http.ResponseWriter, *http.Request) { reported <- struct{}{} })
	app := httptest.NewServer(site)
	t.Cleanup(app.Close)
	return app
}
