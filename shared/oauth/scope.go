package oauth

import (
	"slices"
	"strings"
)

// Scopes that the server itself has. An operator adds others: see [ScopeSet].
const (
	// ScopeMCP is what a client needs to call the MCP endpoint. It is in every grant.
	ScopeMCP = "mcp"
	// ScopeOffline asks for a refresh token. A client that is registered for refresh
	// tokens gets one without it. It is never a scope of a grant or an access token; the
	// answer of the token endpoint names it where it was asked for and granted.
	ScopeOffline = "offline_access"
)

// Scopes is a set of scope tokens in a stable order without repeats (RFC 6749 §3.3).
type Scopes []string

// ParseScopes reads a scope parameter: tokens separated by single spaces. An empty
// string is not a scope. It refuses characters outside RFC 6749 §3.3 with invalid_scope.
func ParseScopes(s string) (Scopes, error) {
	if len(s) > 2000 {
		return nil, Refuse(InvalidScope, "scope is longer than 2000 characters")
	}
	var out Scopes
	for token := range strings.SplitSeq(s, " ") {
		if token == "" {
			continue
		}
		for i := range len(token) {
			if c := token[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
				return nil, Refuse(InvalidScope, "scope has a character that RFC 6749 section 3.3 does not allow")
			}
		}
		if !slices.Contains(out, token) {
			out = append(out, token)
		}
	}
	return out, nil
}

// String returns the wire form.
func (s Scopes) String() string { return strings.Join(s, " ") }

// Contains reports whether scope is in s.
func (s Scopes) Contains(scope string) bool { return slices.Contains(s, scope) }

// Within reports whether every scope of s is in other.
func (s Scopes) Within(other Scopes) bool {
	for _, scope := range s {
		if !other.Contains(scope) {
			return false
		}
	}
	return true
}
