package upstream

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// A Kind is what a rule looks at, spelled as in the ALLOW setting.
type Kind string

// The kinds of rule.
const (
	Anyone      Kind = "anyone"       // everyone who can sign in at the provider
	User        Kind = "user"         // a login, compared without regard to case
	UserID      Kind = "user-id"      // a numeric account id
	EmailDomain Kind = "email-domain" // the domain of the verified primary address
	Org         Kind = "org"          // active members of an organisation
	Team        Kind = "team"         // active members of a team, "org/slug"
)

// A Rule admits people. Value is in its one normal form: ASCII lower case, a
// domain in its IDNA form, an id in plain decimal; empty for [Anyone].
type Rule struct {
	Kind  Kind
	Value string
}

// String returns the rule as it is written in ALLOW, in normal form.
func (r Rule) String() string {
	if r.Kind == Anyone {
		return string(Anyone)
	}
	return string(r.Kind) + ":" + r.Value
}

// Team returns the organisation and the slug of a [Team] rule.
func (r Rule) Team() (org, slug string) {
	org, slug, _ = strings.Cut(r.Value, "/")
	return org, slug
}

var (
	// An underscore stands in logins of managed accounts: octocat_acme.
	loginForm = form(`^[a-z0-9][a-z0-9_-]{0,38}$`)
	teamForm  = form(`^[a-z0-9][a-z0-9-]{0,38}/[a-z0-9_-]{1,100}$`)
	orgForm   = form(`^[a-z0-9][a-z0-9-]{0,38}$`)
)

// form compiles an expression on first use: four of them cost a cold start more than the
// rest of this package.
func form(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// ParseRule reads one entry of ALLOW. The error says what the entry should look like.
func ParseRule(s string) (Rule, error) {
	s = strings.TrimSpace(s)
	if s == string(Anyone) {
		return Rule{Kind: Anyone}, nil
	}
	kind, value, _ := strings.Cut(s, ":")
	value, err := normalValue(Kind(kind), value)
	if err != nil {
		return Rule{}, fmt.Errorf("%q: %w", s, err)
	}
	return Rule{Kind: Kind(kind), Value: value}, nil
}

func normalValue(kind Kind, value string) (string, error) {
	switch kind {
	case User:
		return matched(loginForm, value, "want a login, like user:octocat")
	case Org:
		return matched(orgForm, value, "want an organisation, like org:acme")
	case Team:
		return matched(teamForm, value, "want an organisation and a team's slug, like team:acme/ops")
	case UserID:
		id, err := parseID(value)
		if err != nil {
			return "", errors.New("want a number, like user-id:583231")
		}
		return strconv.FormatInt(id, 10), nil
	case EmailDomain:
		return normalDomain(value)
	}
	return "", errors.New("without user:, user-id:, org:, team: or email-domain: before it")
}

func matched(form func() *regexp.Regexp, value, want string) (string, error) {
	value = lowerASCII(value)
	if !form().MatchString(value) {
		return "", errors.New(want)
	}
	return value, nil
}

// parseID reads an account id: decimal, positive, one way to write it (UP-07).
func parseID(s string) (int64, error) {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id <= 0 || strconv.FormatInt(id, 10) != s {
		return 0, errors.New("not a positive decimal number")
	}
	return id, nil
}

// normalDomain returns the IDNA lookup form of a whole domain (UP-08). A form that
// does not read back as itself is refused, so that two spellings never half agree;
// idna makes one of bytes that are not UTF-8.
func normalDomain(s string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(s)
	again, againErr := idna.Lookup.ToASCII(ascii)
	whole := strings.Contains(strings.Trim(ascii, "."), ".") &&
		!strings.HasSuffix(ascii, ".") && !strings.HasPrefix(ascii, ".")
	if err != nil || againErr != nil || again != ascii || !whole || !utf8.ValidString(s) {
		return "", errors.New("want a domain, like email-domain:example.com")
	}
	return lowerASCII(ascii), nil
}

// lowerASCII lowers A to Z alone. strings.ToLower would turn the Kelvin sign into k
// and so let one login pass for another.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// Lasts reports whether the rule admits whom it has admitted for as long as it stands: it
// admits everybody, or p cannot be asked later who somebody is. The answers of all other
// rules grow old.
func (r Rule) Lasts(p Provider) bool {
	_, asks := p.(Identifier)
	return !asks || r.Kind == Anyone
}

// admits decides rules that need no call. It is false for [Org] and [Team].
func (r Rule) admits(provider string, id Identity) bool {
	switch r.Kind {
	case Anyone:
		return id.Subject != ""
	case User:
		return lowerASCII(id.Login) == r.Value
	case UserID:
		return provider == githubName && id.Subject == provider+":"+r.Value
	case EmailDomain:
		return emailDomain(id.Email) == r.Value
	}
	return false
}

// emailDomain returns the normal form of the domain of an address with exactly one
// @, and "" for anything else (UP-08).
func emailDomain(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || local == "" || strings.Contains(domain, "@") {
		return ""
	}
	normal, err := normalDomain(domain)
	if err != nil {
		return ""
	}
	return normal
}
