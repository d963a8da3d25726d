package oauthtest

import (
	"maps"
	"slices"
	"strings"
)

// scopeSet holds scopes of GitHub.
type scopeSet map[string]bool

var wider = map[string][]string{
	"user":      {"user:email", "read:user", "user:follow"},
	"admin:org": {"write:org", "read:org"},
	"write:org": {"read:org"},
	"repo":      {"public_repo", "repo:status", "repo_deployment", "repo:invite", "security_events"},
}

// parseScopes reads a scope parameter and normalises it as GitHub does: a scope that
// a wider one contains disappears.
func parseScopes(s string) scopeSet {
	set := scopeSet{}
	for _, name := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' }) {
		set[name] = true
	}
	for name := range maps.Clone(set) {
		for _, narrow := range wider[name] {
			delete(set, narrow)
		}
	}
	return set
}

// allows reports whether the set includes want or a wider scope; "" is always there.
func (s scopeSet) allows(want string) bool {
	if want == "" || s[want] {
		return true
	}
	for name := range s {
		if slices.Contains(wider[name], want) {
			return true
		}
	}
	return false
}

func (s scopeSet) covers(other scopeSet) bool {
	for name := range other {
		if !s.allows(name) {
			return false
		}
	}
	return true
}

// String is the form of a token answer: sorted, with commas.
func (s scopeSet) String() string { return strings.Join(slices.Sorted(maps.Keys(s)), ",") }
