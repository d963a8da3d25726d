package authorize

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/upstream"
)

// The page says in words what tools may do at the provider, before the browser goes there,
// and nothing of it where they may do nothing.
func TestThePageSaysWhatToolsMayDoAtTheProvider(t *testing.T) {
	t.Parallel()
	const heading = "By your account at GitHub, tools here could"
	for name, c := range map[string]struct {
		reach []string
		want  []string
	}{
		"nothing": {nil, nil},
		"two": {[]string{"repo", "read:user"}, []string{
			"read and change your repositories and their issues, private ones included<br>",
			"read your whole profile<br>",
		}},
		"unknown": {[]string{"enterprise_x"}, []string{"use the permission <bdi>enterprise_x</bdi>"}},
	} {
		f := open(t, https, func(f *endpoint) {
			var err error
			f.Provider, err = upstream.NewGitHub(upstream.GitHubConfig{
				ClientID: "app", Reach: c.reach,
				ClientSecret: func(context.Context) (credential.Secret, error) { return credential.Secret{}, nil },
			})
			must(t, err)
		})
		page := f.send(t, http.MethodGet, f.request(), "").Body.String()
		if got := strings.Contains(page, heading); got != (c.want != nil) {
			t.Errorf("%s: heading: got %t in %s", name, got, page)
		}
		for _, want := range c.want {
			if !strings.Contains(page, want) {
				t.Errorf("%s: got %s, want %q in it", name, page, want)
			}
		}
	}
}
