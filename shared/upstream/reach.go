package upstream

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// A Reacher is a provider that is asked for more than who somebody is, so that tools can
// work there in their name. People read it before they go there.
type Reacher interface {
	// Reach returns what is asked for, in the provider's words.
	Reach() []string
}

var githubScope = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z][a-z_]{0,31}(:[a-z_]{1,32})?$`)
})

// ParseReach reads scopes of GitHub, separated by blanks or commas.
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
func ParseReach(s string) ([]string, error) {
	scopes := splitScopes(s)
	for _, scope := range scopes {
		if !githubScope().MatchString(scope) {
			return nil, fmt.Errorf("%q is no scope of GitHub", scope)
		}
	}
	return scopes, nil
}

// Reach returns what tools need, sorted.
func (g *GitHub) Reach() []string { return g.reach }

// reaches returns an [ErrScopeMissing] for a token that was given before tools needed what
// they need now.
func (g *GitHub) reaches(t Token) error {
	var missing []string
	for _, want := range g.reach {
		if !t.allows(want) {
			missing = append(missing, want)
		}
	}
	if missing == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrScopeMissing, strings.Join(missing, " "))
}
