package test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/tool"
)

// chromium starts a real browser with a fresh profile. The context is its first tab.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path := tool.Chromium.Need(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path),
		chromedp.WSURLReadTimeout(rig.Patience))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // its sandbox refuses root
	}
	allocator, closeBrowser := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the browser to end
		closeTab()
		closeBrowser()
	})
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}

// do runs actions in a tab.
func do(t *testing.T, tab context.Context, actions ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, rig.Patience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		var page, at string
		tab, cancel := context.WithTimeout(tab, rig.Patience/10) // it may be gone
		defer cancel()
		_ = chromedp.Run(tab, chromedp.Location(&at), chromedp.Text("body", &page, chromedp.ByQuery))
		at, _, _ = strings.Cut(at, "?")
		t.Fatalf("in Chromium: %v\non %s:\n%s", err, at, page)
	}
}

var (
	approve = chromedp.Click(`button[name=decision][value=approve]`, chromedp.ByQuery, chromedp.NodeVisible)
	deny    = chromedp.Click(`button[name=decision][value=deny]`, chromedp.ByQuery, chromedp.NodeVisible)
	signIn  = []chromedp.Action{
		chromedp.SendKeys(`input[name=login]`, "octocat", chromedp.ByQuery, chromedp.NodeVisible),
		chromedp.Submit(`input[name=login]`, chromedp.ByQuery),
	}
)

// With a callback on loopback the browser follows the redirect behind the form (H1).
func TestChromiumClicksThroughConsentAndSignIn(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := rig.Start(t, rig.Options{Bare: true})
	a, arrived := listeningApp(t, s)
	address, verifier, state := a.AuthorizeURL()
	tab := chromium(t)
	do(t, tab, chromedp.Navigate(address), approve)
	do(t, tab, signIn...)
	redeemArrived(t, a, arrived, verifier, state)
}

// An extension or a prefetch loads the consent page again; both pages stay good, and the first is
// the one that is used (H2).
func TestChromiumMayLoadTheConsentPageTwice(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := rig.Start(t, rig.Options{Bare: true})
	a, arrived := listeningApp(t, s)
	address, verifier, state := a.AuthorizeURL()
	first := chromium(t)
	do(t, first, chromedp.Navigate(address))
	second, closeTab := chromedp.NewContext(first)
	defer closeTab()
	do(t, second, chromedp.Navigate(address))
	do(t, first, approve)
	do(t, first, signIn...)
	redeemArrived(t, a, arrived, verifier, state)
}

// No policy of ours keeps the browser from handing the code to a native app, which it does by itself,
// without a Referer, and the tab then says that it is done (CD-15, CD-16, H1, H7).
func TestChromiumHandsTheCodeToACustomScheme(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := rig.Start(t, rig.Options{Bare: true})
	a := rig.NewApp(s)
	a.Redirect = "cursor://anysphere.cursor-mcp/oauth/callback"
	if err := a.Register(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	address, verifier, state := a.AuthorizeURL()
	tab := chromium(t)
	sent := navigations(t, tab, a.Redirect)
	do(t, tab, network.Enable(), chromedp.Navigate(address), approve)
	do(t, tab, signIn...)
	redeemArrived(t, a, sent, verifier, state)
	wantDone(t, tab)
}

// The same after a "no".
func TestChromiumTellsACustomSchemeOfADenial(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := rig.Start(t, rig.Options{Bare: true})
	a := rig.NewApp(s)
	a.Redirect = "com.example.app:/oauth"
	if err := a.Register(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	address, _, state := a.AuthorizeURL()
	tab := chromium(t)
	sent := navigations(t, tab, a.Redirect)
	do(t, tab, network.Enable(), chromedp.Navigate(address), deny)
	wantDone(t, tab)
	if q := <-sent; q.Get("error") != "access_denied" || q.Get("state") != state {
		t.Errorf("got %v, want access_denied and the state", q)
	}
}

// wantDone waits until the tab says that it can be closed, and until the link to the
// application shows, which comes late.
func wantDone(t *testing.T, tab context.Context) {
	t.Helper()
	var page string
	do(t, tab, chromedp.WaitVisible("a.primary", chromedp.ByQuery), chromedp.Text("main", &page, chromedp.ByQuery))
	if !strings.Contains(page, "You can close this page") {
		t.Errorf("got %q, want the page that can be closed", page)
	}
	const shown = `document.querySelector("main").innerText.includes("Open the application")`
	do(t, tab, chromedp.Poll(shown, nil, looking))
}

// navigations gives each address with the prefix that the tab asks for. No program is
// registered for it here, so that is as far as it gets; a policy that forbids it would
// have stopped it before.
func navigations(t *testing.T, tab context.Context, prefix string) <-chan url.Values {
	found := make(chan url.Values, 10)
	chromedp.ListenTarget(tab, func(event any) {
		e, ok := event.(*network.EventRequestWillBeSent)
		if !ok || !strings.HasPrefix(e.Request.URL, prefix) {
			return
		}
		if referer, ok := e.Request.Headers["Referer"]; ok {
			t.Errorf("the app is told the Referer %v", referer)
		}
		if u, err := url.Parse(e.Request.URL); err == nil {
			found <- u.Query()
		}
	})
	return found
}

// listeningApp is a registered client with a real listener at its redirect URI.
func listeningApp(t *testing.T, s *rig.Server) (*rig.App, <-chan url.Values) {
	t.Helper()
	return listening(t, s, httptest.NewServer)
}

// listening is a listeningApp whose listener start starts.
func listening(t *testing.T, s *rig.Server, start func(http.Handler) *httptest.Server) (
	*rig.App, <-chan url.Values,
) {
	t.Helper()
	arrived := make(chan url.Values, 1)
	var once sync.Once
	app := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/callback" {
			once.Do(func() { arrived <- r.URL.Query() })
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(`<!DOCTYPE html><title>client</title><p id="arrived">You are connected.</p>`))
		}
	}))
	t.Cleanup(app.Close)
	a := rig.NewApp(s)
	a.Redirect = app.URL + "/callback"
	if err := a.Register(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return a, arrived
}

// redeemArrived waits for the redirect and uses its code.
func redeemArrived(t *testing.T, a *rig.App, arrived <-chan url.Values, verifier, state string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), rig.Patience)
	defer cancel()
	select {
	case q := <-arrived:
		if q.Get("state") != state || q.Get("iss") != a.Origin {
			t.Errorf("got iss %q, error %q; want the state and iss %q", q.Get("iss"), q.Get("error"), a.Origin)
		}
		if err := a.Redeem(t.Context(), q.Get("code"), verifier); err != nil {
			t.Fatal(err)
		}
	case <-ctx.Done():
		t.Fatal("the browser was never sent to the client's redirect URI")
	}
	if login, err := a.Whoami(t.Context(), rig.Modern); err != nil || login != "octocat" {
		t.Errorf("whoami: got %q, %v; want octocat", login, err)
	}
}
