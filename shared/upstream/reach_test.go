package upstream

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/postern-dev/postern/shared/credential"
)

func TestScopesOfToolsAreRead(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"": {}, "repo": {"repo"}, "repo read:user,gist repo": {"gist", "read:user", "repo"},
		"repo_deployment": {"repo_deployment"},
	} {
		if got, err := ParseReach(in); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v; want %q", in, got, err, want)
		}
	}
	for _, bad := range []string{"Repo", "repo:", "read:user:all", "<b>", "repo;gist", ":user"} {
		if got, err := ParseReach(bad); err == nil {
			t.Errorf("%q: got %q, want an error", bad, got)
		}
	}
}

// GitHub is asked for what tools need beside what the rules do, and a token that was given
// before is not sent: nobody reads less than what is there for the whole of it.
func TestTokensWithoutAScopeOfToolsAreNotUsedForThem(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer api.Close()
	g, err := NewGitHub(GitHubConfig{
		ClientID: "app", APIURL: api.URL, Scopes: []string{"read:org"}, Reach: []string{"public_repo", "read:user"},
		ClientSecret: func(context.Context) (credential.Secret, error) { return credential.Secret{}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	away, err := g.AuthCodeURL(t.Context(), "http://127.0.0.1/callback", "state", "verifier", Hints{})
	if err != nil {
		t.Fatal(err)
	}
	asked, err := url.Parse(away)
	if got := asked.Query().Get("scope"); err != nil || got != "public_repo read:org read:user" {
		t.Errorf("scope: got %q, %v", got, err)
	}
	for _, c := range []struct {
		scopes []string
		want   error
	}{
		{[]string{"read:org"}, ErrScopeMissing},
		{[]string{"public_repo", "read:org"}, ErrScopeMissing},
		{[]string{"public_repo", "read:user"}, nil},
		{[]string{"repo", "user"}, nil}, // wider ones
	} {
		token := Token{AccessToken: credential.Wrap("gho_1"), ClientID: "app", Scopes: c.scopes}
		client := g.APIClient(func(context.Context) (Token, error) { return token, nil })
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.URL+"/user/repos", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if !errors.Is(err, c.want) {
			t.Errorf("%q: got %v, want %v", c.scopes, err, c.want)
		}
		if err == nil {
			res.Body.Close()
		}
	}
}
