package oauth

import (
	"net/url"
	"slices"
	"strings"
)

// MCPPath is the path of the first MCP endpoint below the issuer. Others are below it.
const MCPPath = "/mcp"

// A Resource is an MCP endpoint of an issuer, and so what a token is for (RFC 8707,
// RFC 9728).
type Resource struct {
	Path   string   // below the issuer: /mcp, or /mcp/NAME
	Title  string   // what people read
	Scopes ScopeSet // what may be granted for it
}

// ID returns the canonical identifier below an issuer, which is the audience of tokens.
func (r Resource) ID(issuer string) string { return issuer + r.Path }

// MetadataPath returns where the metadata is: the path follows the well-known segment
// (RFC 9728 §3.1).
func (r Resource) MetadataPath() string { return ResourceMetadataPath + r.Path }

// Resources are the resources of a server, at least one. The zero Resources is /mcp alone,
// without scopes of its own.
type Resources struct{ all []Resource }

// NewResources returns /mcp with its scopes, and others after it.
func NewResources(scopes ScopeSet, others ...Resource) Resources {
	first := Resource{Path: MCPPath, Title: "Postern MCP server", Scopes: scopes}
	return Resources{append([]Resource{first}, others...)}
}

// All returns every resource. The first is /mcp, which a request means that names none.
func (rs Resources) All() []Resource {
	if rs.all == nil {
		return NewResources(ScopeSet{}).all
	}
	return slices.Clone(rs.all)
}

// Of returns the resource with that canonical identifier.
func (rs Resources) Of(id, issuer string) (Resource, bool) {
	for _, r := range rs.All() {
		if r.ID(issuer) == id {
			return r, true
		}
	}
	return Resource{}, false
}

// Scopes is what is known of any resource. Of several scopes of one name it has the first.
func (rs Resources) Scopes() ScopeSet {
	var all ScopeSet
	for _, r := range rs.All() {
		for _, s := range r.Scopes.added {
			if !all.Known().Contains(s.Name) {
				all.added = append(all.added, s)
			}
		}
	}
	return all
}

// Parse reads the values of the resource parameter (RFC 8707 §2) and returns the resource
// that they mean. None, or empty ones, mean the first; several that mean the same count
// once. Scheme and host match in any case; one trailing slash and a query are overlooked;
// the bare origin means the first. Anything else is invalid_target, and so are two
// resources: a token is for one.
func (rs Resources) Parse(values []string, issuer string) (Resource, error) {
	all := rs.All()
	found := all[0]
	named := false
	for _, value := range values {
		if value == "" { // an empty parameter counts as absent (OAuth 2.1 §3.1)
			continue
		}
		r, err := match(all, value, issuer)
		switch {
		case err != nil:
			return Resource{}, err
		case named && r.Path != found.Path:
			return Resource{}, Refuse(InvalidTarget, "name one resource: a token is for one")
		}
		found, named = r, true
	}
	return found, nil
}

// match returns the resource that a value means.
func match(all []Resource, value, issuer string) (Resource, error) {
	u, err := url.Parse(value)
	if err != nil || len(value) > 2000 || u.User != nil || strings.Contains(value, "#") || u.Opaque != "" {
		return Resource{}, Refuse(InvalidTarget,
			"resource must be an absolute URL without fragment or user information")
	}
	origin := strings.ToLower(u.Scheme) + "://" + withoutDefaultPort(strings.ToLower(u.Scheme), strings.ToLower(u.Host))
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	if origin == issuer && path == "" {
		return all[0], nil
	}
	ids := make([]string, len(all))
	for i, r := range all {
		if origin == issuer && path == r.Path {
			return r, nil
		}
		ids[i] = r.ID(issuer)
	}
	return Resource{}, Refuse(InvalidTarget, "resource must be %s", strings.Join(ids, " or "))
}

func withoutDefaultPort(scheme, host string) string {
	switch scheme {
	case "https":
		return strings.TrimSuffix(host, ":443")
	case "http":
		return strings.TrimSuffix(host, ":80")
	}
	return host
}
