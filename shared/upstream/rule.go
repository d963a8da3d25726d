package upstream

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// A Kind is what a rule looks at, spelled as in the ALLOW setting.
type Kind string

// The kinds of rule. Which of them a provider can answer, it says itself ([Provider].Answers).
const (
	Anyone      Kind = "anyone"       // everyone who can sign in at the provider
	User        Kind = "user"         // a login, compared without regard to case
	UserID      Kind = "user-id"      // the provider's id of an account, which never changes
	Email       Kind = "email"        // a verified address, compared without regard to case
	EmailDomain Kind = "email-domain" // the domain of the verified address, or "*." and a domain it is below
	Org         Kind = "org"          // active members of an organisation
	Team        Kind = "team"         // active members of a team, "org/slug"
	Group       Kind = "group"        // members of a group, or with "/*" at the end of one below it
	Claim       Kind = "claim"        // "NAME=VALUE": a claim that is, or lists, the value
)

// A Rule admits people. Value is in its one normal form: logins, organisations and addresses
// in ASCII lower case, a domain in its IDNA form, ids, groups and claims as they are; empty
// for [Anyone].
type Rule struct {
	Kind  Kind
	Value string
}

// String returns the rule as it is written in ALLOW, in normal form.
func (r Rule) String() string {
	if r.Kind == Anyone {
		return string(Anyone)
	}
	return string(r.Kind) + ":" + escaper.Replace(r.Value)
}

// Team returns the organisation and the slug of a [Team] rule.
func (r Rule) Team() (org, slug string) {
	org, slug, _ = strings.Cut(r.Value, "/")
	return org, slug
}

// Claim returns the name and the value of a [Claim] rule.
func (r Rule) Claim() (name, value string) {
	name, value, _ = strings.Cut(r.Value, "=")
	return name, value
}

// A comma separates rules, so that one within a value is written %2C.
var (
	escaper   = strings.NewReplacer("%", "%25", ",", "%2C")
	unescaper = strings.NewReplacer("%25", "%", "%2C", ",", "%2c", ",")
)

func unescape(s string) (string, error) {
	plain := unescaper.Replace(s)
	if strings.Count(plain, "%") != strings.Count(s, "%25") {
		return "", errors.New("want % as %25, and a comma as %2C, like group:100%25")
	}
	return plain, nil
}

// ParseRule reads one entry of ALLOW. The error says what the entry should look like.
func ParseRule(s string) (Rule, error) {
	s = strings.TrimSpace(s)
	if s == string(Anyone) {
		return Rule{Kind: Anyone}, nil
	}
	kind, value, _ := strings.Cut(s, ":")
	value, err := unescape(value)
	if err == nil {
		value, err = normalValue(Kind(kind), value)
	}
	if err != nil {
		return Rule{}, fmt.Errorf("%q: %w", s, err)
	}
	return Rule{Kind: Kind(kind), Value: value}, nil
}

func normalValue(kind Kind, value string) (string, error) {
	switch kind {
	case User:
		return matched(userForm.fits, value, "want a login, like user:octocat")
	case Org:
		return matched(orgForm.fits, value, "want an organisation, like org:acme")
	case Team:
		return matched(isTeam, value, "want an organisation and a team's slug, like team:acme/ops")
	case UserID:
		if value == "" || len(value) > 255 || strings.ContainsFunc(value, notVisible) {
			return "", errors.New("want the id of an account, like user-id:583231")
		}
		return value, nil
	case Email:
		return normalEmail(value)
	case EmailDomain:
		if below, ok := strings.CutPrefix(value, "*."); ok {
			domain, err := normalDomain(below)
			return "*." + domain, err
		}
		return normalDomain(value)
	case Group:
		if !sayable(value) || value == below {
			return "", errors.New("want the name of a group, like group:ops, or group:acme/* for those below one")
		}
		return value, nil
	case Claim:
		return normalClaim(value)
	}
	return "", errors.New("without user:, user-id:, email:, email-domain:, org:, team:, group: or claim: before it")
}

// below at the end of a group's name means the groups below it. It is the one pattern of
// groups: whoever may make a group below another belongs to that one, but anybody may give
// a group a name that begins or ends like another's.
const below = "/*"

func matched(fits func(string) bool, value, want string) (string, error) {
	value = lowerASCII(value)
	if !fits(value) {
		return "", errors.New(want)
	}
	return value, nil
}

// notVisible finds what is not visible ASCII.
func notVisible(r rune) bool { return r <= ' ' || r > '~' }

// sayable reports whether s is text of a sane length, without blanks around it.
func sayable(s string) bool {
	return s != "" && len(s) <= 512 && utf8.ValidString(s) && strings.TrimSpace(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// freeText are claims that people fill in as they like, so that nothing may hang from them.
var freeText = []string{
	"name", "given_name", "family_name", "middle_name", "nickname", "profile", "picture", "website", "gender",
	"birthdate", "zoneinfo", "locale", "address", "phone_number", "updated_at",
}

// ruled are claims that have a rule of their own, which knows more about them.
var ruled = map[string]string{
	"sub": "user-id:", "email": "email:, which looks whether the address is verified,", "email_verified": "email:",
}

// ofToken are claims about a token and not about a person.
var ofToken = []string{"iss", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash", "sid",
	"auth_time"}

func normalClaim(s string) (string, error) {
	name, value, ok := strings.Cut(s, "=")
	switch {
	case !ok || !sayable(name) || !sayable(value):
		return "", errors.New("want a claim and its value, like claim:department=ops")
	case slices.Contains(freeText, name):
		return "", fmt.Errorf("people fill in %s as they like: want a claim that the provider decides, "+
			"like claim:department=ops", name)
	case ruled[name] != "":
		return "", fmt.Errorf("want %s in place of a claim, like user-id:583231 or email:a@example.com", ruled[name])
	case slices.Contains(ofToken, name):
		return "", fmt.Errorf("%s is not about a person: want a claim that is, like claim:department=ops", name)
	}
	return s, nil
}

// normalID reports whether s is an id as GitHub has them: decimal, positive, one way to
// write it (UP-07).
func normalID(s string) bool {
	id, err := strconv.ParseInt(s, 10, 64)
	return err == nil && id > 0 && strconv.FormatInt(id, 10) == s
}

// normalEmail returns an address in lower case with its domain in IDNA form (UP-08). That two
// mailboxes differ by case alone is allowed by RFC 5321 §2.4 and done by nobody.
func normalEmail(s string) (string, error) {
	local, domain, ok := strings.Cut(s, "@")
	local = lowerASCII(local)
	domain, err := normalDomain(domain)
	if !ok || err != nil || !localForm.fits(local) {
		return "", errors.New("want an address, like email:a@example.com, " +
			"or email-domain:example.com for all of a domain")
	}
	return local + "@" + domain, nil
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
		return "", errors.New("want a domain, like email-domain:example.com, or email-domain:*.example.com " +
			"for those below it")
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
// admits everybody, and nothing has to be renewed, or p cannot be asked later who somebody
// is. The answers of all other rules grow old.
func (r Rule) Lasts(p Provider) bool {
	_, asks := p.(Identifier)
	renewer, ok := p.(Renewer)
	return !asks || r.Kind == Anyone && !(ok && renewer.Renews())
}

// admits decides rules that need no call. It is false for [Org] and [Team]. said is false
// where the provider gave no answer, so that nobody can say.
func (r Rule) admits(provider string, id Identity) (yes, said bool) {
	switch r.Kind {
	case Anyone:
		return id.Subject != "", true
	case User:
		if id.Claims != nil {
			return id.Claims.isUser(r.Value)
		}
		return lowerASCII(id.Login) == r.Value, true
	case UserID:
		return id.account(provider) == r.Value, true
	case Email:
		address, err := normalEmail(id.Email)
		return err == nil && address == r.Value, id.saidEmail()
	case EmailDomain:
		domain := emailDomain(id.Email)
		if above, ok := strings.CutPrefix(r.Value, "*"); ok {
			return strings.HasSuffix(domain, above), id.saidEmail()
		}
		return domain == r.Value, id.saidEmail()
	case Group:
		return id.Claims.inGroup(r.Value)
	case Claim:
		return id.Claims.holds(r.Claim())
	}
	return false, true
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
