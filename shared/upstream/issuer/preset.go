package issuer

import "slices"

// A Preset is what is known of a product: defaults, and what its answers mean. It changes no
// code path. Everything may be empty.
type Preset struct {
	// Name follows "oidc:" in IDENTITY_PROVIDER.
	Name string
	// Title is what people call it. Empty means the issuer's host.
	Title string
	// Issuer is where there is one for everybody. Example is what an operator writes where
	// there is not.
	Issuer, Example string
	// Templated says that the issuers "organizations" and "common" stand for many: what is
	// published names {tenantid} in place of one.
	Templated bool

	// Scopes are asked for always, beside openid and profile.
	Scopes []string
	// LoginClaims are shown as the account's name, the first one that is there.
	LoginClaims []string
	// UserClaim is a login that is one person's alone, which user: rules go by. Empty if the
	// product has none that can be relied on.
	UserClaim string
	// GroupClaim lists groups, and GroupScope makes the provider say it. NoGroups is what to
	// write where there is no such claim.
	GroupClaim, GroupScope, NoGroups string
	// Verified is the claim by which an address is verified; empty means email_verified.
	Verified string
	// Authoritative is a claim that has to be there beside it, unless the address is in one of
	// OwnDomains: without it the address was verified once and may be somebody else's by now.
	Authoritative string
	OwnDomains    []string
	// AbsentIsNo says that a claim is left out where a person has nothing to put there.
	AbsentIsNo bool

	// How a refresh token is asked for: with OfflineScope if the provider offers that scope,
	// with further parameters of the authorization request, and by OfflinePrompt, which
	// OpenID Connect Core §11 wants unless other rules are known.
	OfflineScope, OfflinePrompt string
	OfflineParams               map[string]string
	// DomainHint is the parameter that leads to the sign-in of one organisation.
	DomainHint string
	// AssertTokenURL says that the audience of a client assertion is the token endpoint's URL
	// and not the issuer.
	AssertTokenURL bool
}

const (
	offline = "offline_access"
	consent = "consent"
)

// presets is the one table of products.
var presets = []Preset{
	{
		Example:     "https://id.example.com",
		LoginClaims: []string{"preferred_username", "email", "nickname"},
		GroupClaim:  "groups", OfflineScope: offline, OfflinePrompt: consent, DomainHint: "domain_hint",
	},
	{
		Name: "google", Title: "Google", Issuer: "https://accounts.google.com",
		Scopes: []string{"email"}, LoginClaims: []string{"email"},
		NoGroups:      "claim:hd=example.com for an organisation, or email:a@example.com",
		Authoritative: "hd", OwnDomains: []string{"gmail.com", "googlemail.com"}, AbsentIsNo: true,
		OfflinePrompt: consent, OfflineParams: map[string]string{"access_type": "offline"}, DomainHint: "hd",
	},
	{
		Name: "entra", Title: "Microsoft", Templated: true,
		Example:     "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0",
		LoginClaims: []string{"preferred_username", "email"},
		GroupClaim:  "groups", Verified: "xms_edov", AbsentIsNo: true,
		OfflineScope: offline, DomainHint: "domain_hint", AssertTokenURL: true,
	},
	{
		Name: "okta", Title: "Okta", Example: "https://example.okta.com",
		LoginClaims: []string{"preferred_username"}, UserClaim: "preferred_username",
		GroupClaim: "groups", GroupScope: "groups", AbsentIsNo: true,
		OfflineScope: offline, AssertTokenURL: true,
	},
	{
		Name: "auth0", Title: "Auth0", Example: "https://example.eu.auth0.com/",
		LoginClaims:  []string{"preferred_username", "nickname", "email"},
		NoGroups:     "claim:https://example.com/roles=ops for a claim of an Action, or set OIDC_GROUPS_CLAIM to it",
		OfflineScope: offline,
	},
	{
		Name: "keycloak", Title: "Keycloak", Example: "https://id.example.com/realms/acme",
		LoginClaims: []string{"preferred_username"}, UserClaim: "preferred_username",
		GroupClaim: "groups", AbsentIsNo: true, OfflineScope: offline,
	},
	{
		Name: "gitlab", Title: "GitLab", Issuer: "https://gitlab.com", Example: "https://gitlab.example.com",
		LoginClaims: []string{"preferred_username", "nickname"}, UserClaim: "preferred_username",
		GroupClaim: "groups",
	},
	{
		Name: "authentik", Title: "authentik", Example: "https://id.example.com/application/o/postern/",
		LoginClaims: []string{"preferred_username"}, UserClaim: "preferred_username",
		GroupClaim: "groups", OfflineScope: offline,
	},
}

// PresetByName returns what is known of a product; of name "" what OpenID Connect says of all.
func PresetByName(name string) (Preset, bool) {
	i := slices.IndexFunc(presets, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return Preset{}, false
	}
	return presets[i], true
}

// PresetNames returns the names of all presets, in the order of the table.
func PresetNames() []string {
	var names []string
	for _, p := range presets[1:] {
		names = append(names, p.Name)
	}
	return names
}
