package behind

import (
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
)

// An Identity is how a server is told who calls.
type Identity string

// The ways to tell who calls.
const (
	JWT     Identity = "jwt"     // a short token of ours in Authorization; the default
	Headers Identity = "headers" // plain headers, by the names of oauth2-proxy
	None    Identity = "none"    // not at all
)

// A Calling is how a server is called, and what of it may be used. The zero Calling tells
// who calls by nothing.
type Calling struct {
	Identity Identity
	// Credential is a fixed one that the server wants to see; zero for none.
	Credential Credential
	// ProviderToken is the header in which the person's token at the identity provider
	// goes; empty for none.
	ProviderToken string
	// CloudRun is the URL of the Cloud Run service that the server is, for which it gets an
	// ID token of ours; empty if it is none, or one that everybody may call.
	CloudRun string
	// Groups are rules in the form of ALLOW that are looked up for each person, and told
	// with Headers.
	Groups []string
	// What of the server may be used. Patterns of Resources are about addresses.
	Tools, Prompts, Resources Filter
}

// A Credential is a header of any name whose value is in a file.
type Credential struct {
	Header string `json:"header"`
	File   string `json:"file"`
}

// A Filter says which tools, prompts or resources there are. In a pattern * stands for any
// text. The zero Filter lets everything through.
type Filter struct {
	Allow []string `json:"allow"` // none allows all
	Deny  []string `json:"deny"`  // before Allow
	Need  []Need   `json:"need"`  // all that match count
}

// A Need is what a caller has to have for what one of the patterns matches.
type Need struct {
	Match []string `json:"match"`
	Scope string   `json:"scope"` // one of the resource
	Group string   `json:"group"` // a rule in the form of ALLOW
}

// IsZero reports whether f lets everything through.
func (f Filter) IsZero() bool { return len(f.Allow)+len(f.Deny)+len(f.Need) == 0 }

// Filters reports whether something of the server is kept from somebody.
func (c Calling) Filters() bool {
	return !c.Tools.IsZero() || !c.Prompts.IsZero() || !c.Resources.IsZero()
}

// Asks returns the rules that are looked up for each person.
func (c Calling) Asks() []string {
	asks := slices.Clone(c.Groups)
	for _, f := range []Filter{c.Tools, c.Prompts, c.Resources} {
		for _, n := range f.Need {
			if n.Group != "" {
				asks = append(asks, n.Group)
			}
		}
	}
	return asks
}

// calling is the JSON form of a [Calling].
type calling struct {
	Identity      Identity   `json:"identity"`
	Credential    Credential `json:"credential"`
	ProviderToken string     `json:"provider_token"`
	CloudRun      string     `json:"cloud_run"`
	Groups        []string   `json:"groups"`
	Tools         Filter     `json:"tools"`
	Prompts       Filter     `json:"prompts"`
	Resources     Filter     `json:"resources"`
}

const callingMembers = "identity, credential, provider_token, cloud_run, groups, tools, prompts and resources"

// read returns how the server is called and all that is wrong with it. Its scopes are those
// that needs may name.
func (c calling) read(scopes oauth.ScopeSet) (Calling, []error) {
	out := Calling{
		Identity: c.Identity, CloudRun: c.CloudRun, Groups: c.Groups,
		Tools: c.Tools, Prompts: c.Prompts, Resources: c.Resources,
	}
	var problems []error
	note := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if out.Identity == "" {
		out.Identity = JWT
	}
	if !slices.Contains([]Identity{JWT, Headers, None}, out.Identity) {
		note("identity must be jwt, headers or none")
	}
	taken := out.Identity.headers()
	header := func(member, name string) string {
		name = textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case !headerName(name) || reserved(name):
			note("%s cannot be the header %q: it is none, or one that Postern or HTTP itself sets", member, name)
		case slices.Contains(taken, name):
			note("%s has the header %s, which is taken: who calls, or a credential, is told there", member, name)
		}
		taken = append(taken, name)
		return name
	}
	if c.Credential != (Credential{}) {
		out.Credential = Credential{Header: header("credential", c.Credential.Header), File: c.Credential.File}
		if c.Credential.File == "" || strings.ContainsAny(c.Credential.File, "\n\r\x00{") {
			note("credential needs a file with the value, like /secrets/wiki-key/value")
		}
	}
	if c.ProviderToken != "" {
		out.ProviderToken = header("provider_token", c.ProviderToken)
	}
	if c.CloudRun != "" {
		if u, err := origin.ParseBase(c.CloudRun); err != nil || u.Scheme != "https" {
			note("cloud_run must be the URL of the service, like https://wiki-abc123-ew.a.run.app")
		}
	}
	for _, f := range []struct {
		what string
		Filter
	}{{"tools", c.Tools}, {"prompts", c.Prompts}, {"resources", c.Resources}} {
		if err := f.check(scopes); err != nil {
			note("%s: %w", f.what, err)
		}
	}
	return out, problems
}

func (f Filter) check(scopes oauth.ScopeSet) error {
	patterns := slices.Concat(f.Allow, f.Deny)
	for _, n := range f.Need {
		patterns = append(patterns, n.Match...)
		switch {
		case len(n.Match) == 0:
			return errors.New("a need has no match: which names is it about")
		case n.Scope == "" && n.Group == "":
			return errors.New("a need has neither scope nor group")
		case n.Scope != "" && !scopes.Known().Contains(n.Scope):
			return fmt.Errorf("it needs the scope %q, which is not known: it has %s", n.Scope, scopes.Known())
		}
	}
	if slices.Contains(patterns, "") {
		return errors.New("a pattern is empty: * stands for any text")
	}
	return nil
}

// headers are those in which who calls is told.
func (i Identity) headers() []string {
	switch i {
	case JWT:
		return []string{"Authorization"}
	case Headers:
		return slices.Concat(plain("X-Forwarded-"), plain("X-Auth-Request-"))
	}
	return nil
}

// plain are the headers by which oauth2-proxy tells who calls, after one of its two
// prefixes: for a server behind it, and for one that asks it.
func plain(prefix string) []string {
	return []string{prefix + "User", prefix + "Email", prefix + "Preferred-Username", prefix + "Groups"}
}

// headerName reports whether a name is one of a header (RFC 9110 §5.1).
func headerName(name string) bool {
	const symbols = "!#$%&'*+-.^_`|~"
	letter := func(r rune) bool {
		return r < 0x80 && ('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' ||
			strings.ContainsRune(symbols, r))
	}
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return !letter(r) })
}

// reserved are headers that mean something on the way, or that the message has.
func reserved(name string) bool {
	return strings.HasPrefix(name, "Mcp-") || slices.Contains([]string{
		"Accept", "Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect",
		"Host",
		"Keep-Alive", "Last-Event-Id", "Proxy-Connection", "Te", "Traceparent", "Tracestate", "Trailer",
		"Transfer-Encoding", "Upgrade", "User-Agent", "X-Serverless-Authorization",
	}, name)
}
