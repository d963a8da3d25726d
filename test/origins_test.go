package test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/postern-dev/postern/test/internal/rig"
)

// A page whose origin nobody can list, here one in a sandbox ("null"), as extensions and apps have their own, calls
// /mcp of an https issuer: the preflight lets it, and it reads the challenge (MP-01, L1, L3).
func TestChromiumLetsAPageOfAnyOriginCallMCP(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := rig.Start(t, rig.Options{Settings: map[string]string{"ISSUER_URL": "https://127.0.0.1:8443"}})
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "sandbox allow-scripts")
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>sandbox</title>"))
	}))
	defer page.Close()
	var got struct {
		Origin, Challenge string
		Status            int
	}
	do(t, chromium(t), chromedp.Navigate(page.URL), chromedp.Evaluate(`
		fetch("`+s.MCP+`", {
			method: "POST",
			headers: {"Content-Type": "application/json", "Authorization": "Bearer x", "Mcp-Param-Region": "eu"},
			body: "{}",
		}).then(r => ({origin: self.origin, status: r.status, challenge: r.headers.get("WWW-Authenticate") || ""}))`,
		&got, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	if got.Origin != "null" || got.Status != http.StatusUnauthorized || got.Challenge == "" {
		t.Errorf("got %+v, want a page of the origin null that reads 401 and its challenge", got)
	}
}
