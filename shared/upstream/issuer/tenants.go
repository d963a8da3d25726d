package issuer

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// tenantMark is what stands for a tenant in what a templated issuer publishes.
const tenantMark = "{tenantid}"

// AnyTenant in a list of tenants admits all of them.
const AnyTenant = "any"

var tenantForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
})

// ParseTenants reads OIDC_TENANTS: ids of tenants, separated by commas, or the word any.
func ParseTenants(s string) ([]string, error) {
	var tenants []string
	for t := range strings.SplitSeq(s, ",") {
		t = strings.ToLower(strings.TrimSpace(t))
		if t != AnyTenant && !tenantForm().MatchString(t) {
			return nil, errors.New("a tenant's id has 32 hexadecimal digits and hyphens")
		}
		tenants = append(tenants, t)
	}
	if slices.Contains(tenants, AnyTenant) && len(tenants) > 1 {
		return nil, errors.New("any admits every tenant, so the others would mean nothing")
	}
	return tenants, nil
}

// templated reports whether the issuer stands for many, and returns the template: Entra's
// organizations and common.
func templated(p Preset, issuer string) (template string, ok bool) {
	if !p.Templated {
		return "", false
	}
	for _, many := range []string{"/organizations/", "/common/"} {
		if before, after, found := strings.Cut(issuer, many); found {
			return before + "/" + tenantMark + "/" + after, true
		}
	}
	return "", false
}

// published is the issuer that the provider's description has to name.
func (i *Issuer) published() string {
	if i.template != "" {
		return i.template
	}
	return i.issuer
}

// Knows reports whether an ID token or an answer to the browser may come from iss: the
// issuer itself, or that of a tenant which is let in.
func (i *Issuer) Knows(iss string) bool {
	if i.template == "" {
		return iss == i.issuer
	}
	before, after, _ := strings.Cut(i.template, tenantMark)
	rest, ok := strings.CutPrefix(iss, before)
	tenant, whole := strings.CutSuffix(rest, after)
	return ok && whole && tenantForm().MatchString(tenant) &&
		(slices.Contains(i.tenants, tenant) || slices.Contains(i.tenants, AnyTenant))
}

// Signs reports whether a key that says it is for keyIssuer may sign in the name of iss. A
// key that says nothing may; a provider for many tenants has keys for some of them alone.
func (i *Issuer) Signs(keyIssuer, iss string) bool {
	if keyIssuer == "" || keyIssuer == iss {
		return true
	}
	return i.template != "" && keyIssuer == i.template
}
