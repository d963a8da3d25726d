package upstream

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/postern-dev/postern/shared/credential"
)

// The token of a person goes to the provider's API and nowhere else: not to another host,
// not by a redirect, not out of the API's path; and a token of another app goes nowhere (K5).
func TestAPIClientSendsTheTokenToTheAPIAlone(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("elsewhere: got a request with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/ok":
			w.Header().Set("Saw", r.Header.Get("Authorization"))
		case "/api/moved":
			http.Redirect(w, r, "/api/ok", http.StatusMovedPermanently)
		case "/api/away":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		case "/api/dead":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			t.Errorf("got a request of %s", r.URL)
		}
	}))
	defer api.Close()
	g, err := NewGitHub(GitHubConfig{ClientID: "app", APIURL: api.URL + "/api",
		ClientSecret: func(context.Context) (credential.Secret, error) { return credential.Secret{}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	asked := errors.New("the store is down")
	for _, c := range []struct {
		path   string
		token  Token
		err    error // of the token
		status int
		want   error
	}{
		{"/api/ok", Token{ClientID: "app"}, nil, 200, nil},
		{"/api/moved", Token{ClientID: "app"}, nil, 200, nil},
		{"/api/away", Token{ClientID: "app"}, nil, 302, nil},
		{"/api/dead", Token{ClientID: "app"}, nil, 0, ErrTokenDead},
		{"/api/ok", Token{ClientID: "another"}, nil, 0, ErrTokenDead},
		{"/api/ok", Token{}, asked, 0, asked},
		{"/other", Token{ClientID: "app"}, nil, 0, ErrElsewhere},
		{"/api/../other", Token{ClientID: "app"}, nil, 0, ErrElsewhere},
		{"/api/%2e%2e/other", Token{ClientID: "app"}, nil, 0, ErrElsewhere},
		{"/apix", Token{ClientID: "app"}, nil, 0, ErrElsewhere},
	} {
		if c.token.ClientID != "" {
			c.token.AccessToken = credential.Wrap("gho_1")
		}
		client := g.APIClient(func(context.Context) (Token, error) { return c.token, c.err })
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if !errors.Is(err, c.want) || err == nil && res.StatusCode != c.status {
			t.Errorf("%s: got %v, %v; want %d, %v", c.path, res, err, c.status, c.want)
		}
		if err == nil {
			res.Body.Close()
			if saw := res.Header.Get("Saw"); c.status == 200 && saw != "Bearer gho_1" {
				t.Errorf("%s: got the credential %q", c.path, saw)
			}
		}
	}
}
