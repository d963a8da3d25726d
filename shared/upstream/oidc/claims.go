package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/postern-dev/postern/shared/upstream"
)

// claims are what was said of a person, numbers as they were written.
type claims map[string]any

func (c claims) text(name string) string {
	s, _ := c[name].(string)
	return s
}

// has reports whether a claim is there, by its name or by a path.
func (c claims) has(name string) bool {
	if _, ok := c[name]; ok {
		return true
	}
	first, _, path := strings.Cut(name, ".")
	_, ok := c[first]
	return path && ok
}

// verified is the claim by which the provider says that an address is verified.
func (p *Provider) verified() string {
	if p.Preset.Verified != "" {
		return p.Preset.Verified
	}
	return "email_verified"
}

// wanted are the claims that somebody looks at: the rules, and the page that shows a name.
func (p *Provider) wanted() []string {
	names := slices.Clone(p.LoginClaims[:1])
	for _, r := range p.allow.Rules() {
		switch r.Kind {
		case upstream.User:
			names = append(names, p.UserClaim)
		case upstream.Group:
			names = append(names, p.GroupClaim)
		case upstream.Claim:
			name, _ := r.Claim()
			names = append(names, name)
		case upstream.Email, upstream.EmailDomain:
			names = append(names, "email", p.verified())
		}
	}
	return names
}

// complete reports whether user-info could add anything that somebody looks at.
func (p *Provider) complete(c claims) bool {
	return !slices.ContainsFunc(p.wanted(), func(name string) bool { return !c.has(name) })
}

// add puts in what user-info says and the ID token does not. An address and whether it is
// verified come from one place.
func (p *Provider) add(c, more claims) {
	if !c.has("email") || !c.has(p.verified()) {
		delete(c, "email")
		delete(c, p.verified())
	}
	for name, v := range more {
		if _, ok := c[name]; !ok {
			c[name] = v
		}
	}
}

// userInfo asks who the access token stands for (OpenID Connect Core §5.3). The answer has
// to be about sub (§5.3.2).
func (p *Provider) userInfo(ctx context.Context, address string, t upstream.Token, sub string) (claims, error) {
	const what = "read user-info"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New(what + ": the address is not usable")
	}
	r.Header.Set("Authorization", "Bearer "+t.AccessToken.Reveal())
	resp, err := p.Client().Do(r)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", what, err)
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, fmt.Errorf("%s: %w", what, upstream.ErrTokenDead)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: status %d", what, resp.StatusCode)
	case media != "application/json":
		return nil, fmt.Errorf("%s: %w: it is not JSON", what, upstream.ErrOddAnswer)
	}
	c, err := decode(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if c.text("sub") != sub {
		return nil, fmt.Errorf("%s: %w: it is about another account", what, upstream.ErrOddAnswer)
	}
	return c, nil
}

// identity is who the claims are about.
func (p *Provider) identity(c claims) upstream.Identity {
	address, said := p.email(c)
	id := upstream.Identity{
		Subject: Subject(c.text("iss"), c.text("sub")), Login: p.login(c),
		Name: upstream.Displayable(c.text("name"), 100), Session: session(c.text("iss"), c.text("sid")),
		Claims: &upstream.Claims{
			Values: c, UserClaim: p.UserClaim, GroupClaim: p.GroupClaim, EmailSaid: said,
			AbsentIsNo: p.AbsentIsNo, Withheld: withheld(c),
		},
	}
	if p.allow.HasKind(upstream.Email, upstream.EmailDomain) {
		id.Email = address
	}
	return id
}

// Subject keys a person by issuer and sub (OpenID Connect Core §5.7). An issuer has no "#",
// so no two pairs come to one key.
func Subject(issuer, sub string) string {
	return upstream.OIDCName + ":" + strings.TrimPrefix(issuer, "https://") + "#" + url.PathEscape(sub)
}

// login is what the account is called, for display.
func (p *Provider) login(c claims) string {
	for _, name := range append(slices.Clone(p.LoginClaims), "email", "sub") {
		if s := upstream.Displayable(c.text(name), 100); s != "" {
			return s
		}
	}
	return ""
}

// email returns the address that the provider says is verified, empty if there is none, and
// whether it said so or otherwise (UP-08).
func (p *Provider) email(c claims) (address string, said bool) {
	address, verified := c.text("email"), c[p.verified()]
	switch v := verified.(type) {
	case bool:
		said = true
		if !v {
			return "", true
		}
	case string: // some write it so
		said = v == "true" || v == "false"
		if v != "true" {
			return "", said
		}
	default:
		return "", false
	}
	_, domain, _ := strings.Cut(address, "@")
	owned := slices.Contains(p.OwnDomains, strings.ToLower(domain))
	if p.Authoritative != "" && c.text(p.Authoritative) == "" && !owned {
		return "", true
	}
	return address, said && address != ""
}

// withheld are claims that the provider keeps elsewhere because there are too many (OpenID
// Connect Core §5.6.2; Entra leaves groups out like this, and says hasgroups in other flows).
func withheld(c claims) []string {
	var names []string
	elsewhere, _ := c["_claim_names"].(map[string]any)
	for name := range elsewhere {
		names = append(names, name)
	}
	if v, ok := c["hasgroups"]; ok && v != false {
		names = append(names, "groups")
	}
	return names
}
