package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Scope is one that parts of the MCP server ask for beside [ScopeMCP].
type Scope struct {
	Name string `json:"name"`
	// Words say on the consent page what a client could do with it.
	Words string `json:"words"`
	// Default scopes are granted to a client that asks for nothing. The others are granted
	// only when they are asked for (step-up).
	Default bool `json:"default,omitempty"`
	// Advertised scopes stand in the server's metadata, as default ones do. Some clients ask
	// for everything that stands there.
	Advertised bool `json:"advertised,omitempty"`
}

// A ScopeSet is the scopes that the server knows: [ScopeMCP], which is in every grant, and
// those that its operator adds. The zero ScopeSet has none of those.
type ScopeSet struct{ added []Scope }

// maxScopes is how many scopes there may be beside [ScopeMCP].
const maxScopes = 32

// ParseScopeSet reads a JSON array of [Scope] objects.
func ParseScopeSet(s string) (ScopeSet, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.DisallowUnknownFields()
	var set ScopeSet
	if err := d.Decode(&set.added); err != nil || set.added == nil {
		return ScopeSet{}, errors.New("not a JSON array of objects with name, words, default and advertised")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return ScopeSet{}, errors.New("something follows the JSON array")
	}
	if len(set.added) > maxScopes {
		return ScopeSet{}, fmt.Errorf("more than %d scopes", maxScopes)
	}
	for i, scope := range set.added {
		if slices.ContainsFunc(set.added[:i], func(earlier Scope) bool { return earlier.Name == scope.Name }) {
			return ScopeSet{}, fmt.Errorf("two scopes are called %q", scope.Name)
		}
		if err := scope.check(); err != nil {
			return ScopeSet{}, err
		}
	}
	return set, nil
}

// taken are names that mean something else: ours, and those of OpenID Connect, which clients
// ask for everywhere, so that a right of that name would be given to nearly all of them.
var taken = []string{ScopeMCP, ScopeOffline, "openid", "profile", "email", "address", "phone"}

func (s Scope) check() error {
	one, err := ParseScopes(s.Name)
	if err != nil || len(one) != 1 || one[0] != s.Name || len(s.Name) > 64 {
		return fmt.Errorf("the name %q is not one scope token of 1 to 64 characters (RFC 6749 section 3.3)", s.Name)
	}
	if slices.Contains(taken, s.Name) {
		return fmt.Errorf("the name %q is taken: choose another", s.Name)
	}
	unshown := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	words := strings.TrimSpace(s.Words)
	if words == "" || utf8.RuneCountInString(words) > 200 || strings.ContainsFunc(words, unshown) {
		return fmt.Errorf("the scope %q needs words for the consent page, up to 200 characters in one line", s.Name)
	}
	return nil
}

// Known are all scopes of the set.
func (s ScopeSet) Known() Scopes { return s.those(func(Scope) bool { return true }) }

// Default are the scopes of a client that asks for nothing.
func (s ScopeSet) Default() Scopes { return s.those(func(a Scope) bool { return a.Default }) }

// Advertised are the scopes that the server's metadata names.
func (s ScopeSet) Advertised() Scopes {
	return s.those(func(a Scope) bool { return a.Default || a.Advertised })
}

func (s ScopeSet) those(keep func(Scope) bool) Scopes {
	out := Scopes{ScopeMCP}
	for _, a := range s.added {
		if keep(a) {
			out = append(out, a.Name)
		}
	}
	return out
}

// Granted returns what a request for asked is granted: the known scopes among them and
// [ScopeMCP], without which a token is of no use, or the default when none is known. Unknown
// scopes are dropped, not refused, since clients ask for whatever other servers listed.
func (s ScopeSet) Granted(asked Scopes) Scopes {
	known := s.those(func(a Scope) bool { return asked.Contains(a.Name) })
	if len(known) == 1 && !asked.Contains(ScopeMCP) {
		return s.Default()
	}
	return known
}

// Words say what a scope lets a client do; of a scope that is not known any more, its name.
func (s ScopeSet) Words(scope string) string {
	if scope == ScopeMCP {
		return "use the tools of this server in your name"
	}
	for _, a := range s.added {
		if a.Name == scope {
			return a.Words
		}
	}
	return scope
}
