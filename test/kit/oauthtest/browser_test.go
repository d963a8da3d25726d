package oauthtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const appScheme = "com.example.app:/done"

// echo tells what a request carried.
func echo(w http.ResponseWriter, r *http.Request) {
	body := r.URL.RawQuery
	if r.Method == http.MethodPost {
		b := make([]byte, 4096)
		n, _ := r.Body.Read(b)
		body = string(b[:n])
	}
	fmt.Fprintf(w, "%s %s|%s|origin=%s|site=%s|cookie=%s", r.Method, r.URL.Path, body,
		r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Cookie"))
}

func serve(t *testing.T, mux *http.ServeMux) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func htmlPage(header http.Header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for k := range header {
			w.Header().Set(k, header.Get(k))
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, body)
	}
}

func TestFormIsSentAsTheBrowserWould(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, form, button string
		fields             map[string]string
		policy, want       string
	}{
		{"POST with the pressed button",
			`<form method="post" action="/do"><input type=hidden name=s value="a b">` +
				`<button name=decision value=approve>Yes</button><button name=decision value=deny>No</button></form>`,
			"decision=deny", nil, "", "POST /do|s=a+b&decision=deny|origin=ORIGIN|site=same-origin|"},
		{"GET replaces the query",
			`<form action="/do?old=1"><input name=login value=""></form>`,
			"", map[string]string{"login": "octo"}, "", "GET /do|login=octo|origin=|site=same-origin|"},
		{"no-referrer sends Origin: null",
			`<form method="POST" action="/do"><input name=a value=1></form>`,
			"", nil, "no-referrer", "POST /do|a=1|origin=null|site=same-origin|"},
		{"a button's own action and method",
			`<form action="/do"><input name=a value=1>` +
				`<button name=b value=2 formaction="/other" formmethod=post></form>`,
			"b=2", nil, "", "POST /other|a=1&b=2|origin=ORIGIN|site=same-origin|"},
		{"controls of every kind",
			`<form action="/do"><input type=checkbox name=c checked><input type=checkbox name=d>` +
				"<textarea name=e>x\ny</textarea>" +
				`<select name=f><option value=1>one<option value=2 selected>two</select>` +
				`<input name=g value=1 disabled></form>`,
			"", nil, "", "GET /do|c=on&e=x%0Ay&f=2|origin=|site=same-origin|"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("/", echo)
			mux.HandleFunc("GET /page", htmlPage(http.Header{"Referrer-Policy": {test.policy}}, test.form))
			s := serve(t, mux)
			b := NewBrowser(appScheme)
			p, err := b.Get(t.Context(), s.URL+"/page")
			if err != nil {
				t.Fatal(err)
			}
			p, err = b.Submit(t.Context(), p, p.Forms[0], test.fields, test.button)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(test.want, "ORIGIN", s.URL)
			if !strings.HasPrefix(p.Body, want) {
				t.Errorf("got %s, want prefix %s", p.Body, want)
			}
		})
	}
}

func TestMissingFieldOrButtonIsAnError(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/", htmlPage(nil, `<form><input name=a><button name=b value=1></form>`))
	b := NewBrowser(appScheme)
	p, err := b.Get(t.Context(), serve(t, mux).URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Submit(t.Context(), p, p.Forms[0], map[string]string{"z": "1"}, ""); err == nil {
		t.Error("unknown field: got no error")
	}
	if _, err := b.Submit(t.Context(), p, p.Forms[0], nil, "b=2"); err == nil {
		t.Error("unknown button: got no error")
	}
}

func TestRedirectsEndAtTheStopPrefixOrAtAForeignHost(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/app", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", appScheme+"?code=1")
		w.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("/refresh", htmlPage(nil, `<meta http-equiv="refresh" content="0; url=`+appScheme+`?code=2">`))
	mux.Handle("/away", http.RedirectHandler("http://evil.example/", http.StatusFound))
	mux.Handle("/scheme", http.RedirectHandler("other.app:/x", http.StatusFound))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	s := serve(t, mux)
	b := NewBrowser(appScheme)
	for path, want := range map[string]string{"/app": appScheme + "?code=1", "/refresh": appScheme + "?code=2"} {
		p, err := b.Get(t.Context(), s.URL+path)
		if err != nil {
			t.Fatal(err)
		}
		if p.Redirect == nil || p.Redirect.String() != want {
			t.Errorf("%s: got %v, want %s", path, p.Redirect, want)
		}
	}
	for _, path := range []string{"/away", "/scheme", "/loop"} {
		if p, err := b.Get(t.Context(), s.URL+path); err == nil {
			t.Errorf("%s: got page %v, want an error", path, p.URL)
		}
	}
}

func TestRedirectKeepsThePostOnlyWith307And308(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		302: "GET /end||", 303: "GET /end||", 307: "POST /end|a=1|", 308: "POST /end|a=1|",
	} {
		mux := http.NewServeMux()
		mux.HandleFunc("/end", echo)
		mux.HandleFunc("/page", htmlPage(nil, `<form method=post action=/hop><input name=a value=1></form>`))
		mux.Handle("/hop", http.RedirectHandler("/end", status))
		b := NewBrowser(appScheme)
		p, err := b.Get(t.Context(), serve(t, mux).URL+"/page")
		if err == nil {
			p, err = b.Submit(t.Context(), p, p.Forms[0], nil, "")
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(p.Body, want) {
			t.Errorf("%d: got %s, want prefix %s", status, p.Body, want)
		}
	}
}

func mustParse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCookiesAreTakenAsBrowsersTakeThem(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, from, cookie string
		want               bool
	}{
		{"plain on http", "http://127.0.0.1:1/", "a=1", true},
		{"Secure on loopback http", "http://127.0.0.1:1/", "a=1; Secure", true},
		{"Secure on localhost http", "http://localhost:1/", "a=1; Secure", true},
		{"Secure on plain http", "http://site.example/", "a=1; Secure", false},
		{"__Host- on loopback http", "http://127.0.0.1:1/", "__Host-a=1; Secure; Path=/", false},
		{"__Host- on https", "https://site.example/", "__Host-a=1; Secure; Path=/", true},
		{"__Host- without Secure", "https://site.example/", "__Host-a=1; Path=/", false},
		{"__Host- with Domain", "https://site.example/", "__Host-a=1; Secure; Path=/; Domain=site.example", false},
		{"__Host- on another path", "https://site.example/", "__Host-a=1; Secure; Path=/x", false},
		{"another Domain", "https://site.example/", "a=1; Domain=other.example", false},
		{"SameSite=None without Secure", "http://127.0.0.1:1/", "a=1; SameSite=None", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := http.ParseSetCookie(test.cookie)
			if err != nil {
				t.Fatal(err)
			}
			b, u := NewBrowser(appScheme), mustParse(t, test.from)
			said := b.SetCookie(u, c)
			if kept := len(b.Cookies(u)) == 1; kept != test.want || said != test.want {
				t.Errorf("kept got %v, SetCookie said %v, want %v", kept, said, test.want)
			}
		})
	}
}

func TestCookieEndsWhenItSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, u := NewBrowser(appScheme), mustParse(t, "http://127.0.0.1/")
		b.SetCookie(u, &http.Cookie{Name: "a", Value: "1", Path: "/", MaxAge: 60})
		b.SetCookie(u, &http.Cookie{Name: "b", Value: "1", Path: "/"})
		b.SetCookie(u, &http.Cookie{Name: "b", Path: "/", MaxAge: -1})
		if got := fmt.Sprint(b.Cookies(u)); got != "[a=1]" {
			t.Errorf("got %s, want [a=1]", got)
		}
		time.Sleep(61 * time.Second) // the bubble's clock, no real time
		if got := fmt.Sprint(b.Cookies(u)); got != "[]" {
			t.Errorf("after a minute: got %s, want none", got)
		}
	})
}

func TestSameSiteStrictStaysHomeWhenAnotherSiteRedirects(t *testing.T) {
	t.Parallel()
	home := http.NewServeMux()
	home.HandleFunc("/show", echo)
	home.HandleFunc("/set", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "lax", Value: "1", SameSite: http.SameSiteLaxMode})
		http.SetCookie(w, &http.Cookie{Name: "strict", Value: "1", SameSite: http.SameSiteStrictMode})
		http.SetCookie(w, &http.Cookie{Name: "elsewhere", Value: "1", Path: "/show/deep"})
	})
	h := serve(t, home)
	away := http.NewServeMux()
	away.Handle("/back", http.RedirectHandler(h.URL+"/show", http.StatusFound))
	away.HandleFunc("/form", htmlPage(nil, `<form method=post action="`+h.URL+`/show"></form>`))
	other := strings.Replace(serve(t, away).URL, "127.0.0.1", "localhost", 1)

	b := NewBrowser(appScheme)
	show := func(p *Page, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(p.Body, "|site=")
		return rest
	}
	show(b.Get(t.Context(), h.URL+"/set"))
	if got, want := show(b.Get(t.Context(), h.URL+"/show")), "none|cookie=lax=1; strict=1"; got != want {
		t.Errorf("typed in: got %s, want %s", got, want)
	}
	if got, want := show(b.Get(t.Context(), other+"/back")), "cross-site|cookie=lax=1"; got != want {
		t.Errorf("redirected by another site: got %s, want %s", got, want)
	}
	p, err := b.Get(t.Context(), other+"/form")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := show(b.Submit(t.Context(), p, p.Forms[0], nil, "")), "cross-site|cookie="; got != want {
		t.Errorf("posted by another site: got %s, want %s", got, want)
	}
}

func TestWalkApprovesThenSignsIn(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	consent := `<form method=post action=/authorize><button name=decision value=deny>No</button>` +
		`<button name=decision value=approve>Yes</button></form>`
	signIn := `<form action=/auth/callback><button name=error value=access_denied>Cancel</button>` +
		`<input type=hidden name=state value=s><input name=login><button>Go</button></form>`
	mux.HandleFunc("GET /authorize", htmlPage(nil, consent))
	mux.HandleFunc("POST /authorize", func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("decision") == "approve" {
			http.Redirect(w, r, "/auth/callback?development=1&state=s", http.StatusSeeOther)
		}
	})
	mux.HandleFunc("GET /auth/callback", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("login") == "" {
			htmlPage(nil, signIn)(w, r)
			return
		}
		w.Header().Set("Location", appScheme+"?who="+r.FormValue("login")+"&error="+r.FormValue("error"))
		w.WriteHeader(http.StatusFound)
	})
	u := NewBrowser(appScheme).SignIn(t, serve(t, mux).URL+"/authorize", "octocat")
	if got, want := u.String(), appScheme+"?who=octocat&error="; got != want {
		t.Errorf("redirect got %s, want %s", got, want)
	}
}
