package upstream_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/upstream"
)

func TestDevelopmentNeedsALoopbackIssuer(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]bool{
		"": true, "http://127.0.0.1:8085": true, "http://localhost:8085": true,
		"http://[::1]:8085": true, "https://127.0.0.1": true, "http://127.9.9.9": true,
		"https://auth.example.com": false, "http://localhost.example.com": false,
		"http://127.0.0.1.example.com": false, "http://0.0.0.0:8085": false,
		"http://10.0.0.1": false, "http://user@127.0.0.1": false, "127.0.0.1:8085": false, "http://127.1": false,
	} {
		_, err := upstream.NewDevelopment(issuer)
		if (err == nil) != want {
			t.Errorf("%q: accepted got %v (%v), want %v", issuer, err == nil, err, want)
		}
	}
}

func TestDevelopmentSignInLeadsToOurFormAndBack(t *testing.T) {
	t.Parallel()
	d, err := upstream.NewDevelopment("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(away(t, d, "st&te", "verifier", upstream.Hints{}))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if !strings.HasPrefix(u.String(), callback+"?") || q.Get("state") != "st&te" || !d.WantsForm(q) ||
		strings.Contains(u.String(), "verifier") {
		t.Errorf("got %s, want the callback with the state and the mark alone", u)
	}
	q.Set(upstream.DevelopmentField, "Octo-Cat")
	if d.WantsForm(q) {
		t.Error("with a login: WantsForm got true")
	}
	id, token, err := d.Exchange(t.Context(), callback, q, "verifier")
	want := upstream.Identity{Subject: "development:octo-cat", Login: "Octo-Cat"}
	if err != nil || id != want || !token.IsZero() {
		t.Errorf("got %+v %v (%v), want %+v without a token", id, token, err, want)
	}
}

func TestDevelopmentLoginForm(t *testing.T) {
	t.Parallel()
	d := &upstream.Development{}
	for login, want := range map[string]string{
		"a": "none", "A-1-": "none", strings.Repeat("a", 39): "none",
		"": "refused", "-a": "refused", strings.Repeat("a", 40): "refused",
		"a b": "refused", "a_b": "refused", "a\n": "refused", "\u212a": "refused", "<b>": "refused",
	} {
		_, _, err := d.Exchange(t.Context(), callback, url.Values{"login": {login}}, "")
		wantKind(t, err, want)
	}
	_, _, err := d.Exchange(t.Context(), callback, url.Values{"login": {"a", "b"}}, "")
	wantKind(t, err, "refused")
	_, _, err = d.Exchange(t.Context(), callback, url.Values{"login": {"a"}, "error": {"access_denied"}}, "")
	wantKind(t, err, "denied")
	if d.WantsForm(url.Values{"development": {"1"}, "error": {"access_denied"}}) {
		t.Error("called off: WantsForm got true")
	}
}

func TestDevelopmentRefusesACallbackThatIsNotOnLoopback(t *testing.T) {
	t.Parallel()
	d := &upstream.Development{}
	id, _, err := d.Exchange(t.Context(), "https://auth.example.com/auth/callback", url.Values{"login": {"a"}}, "")
	if err == nil {
		t.Errorf("got %+v, want an error", id)
	}
}
