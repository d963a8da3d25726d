package oauth

import (
	"net/url"
	"strings"
)

// MCPPath is the path of the MCP endpoint below the issuer.
const MCPPath = "/mcp"

// Resource returns the canonical identifier of the one resource of an issuer.
func Resource(issuer string) string { return issuer + MCPPath }

// ParseResource reads the values of the resource parameter (RFC 8707 §2) and
// returns the canonical identifier they mean. None, or an empty one, means the only
// one there is.
// Scheme and host match in any case; one trailing slash and a query are
// overlooked; the bare origin means the MCP endpoint. Anything else, or more than
// one value, is invalid_target.
func ParseResource(values []string, issuer string) (string, error) {
	switch len(values) {
	case 0:
		return Resource(issuer), nil
	case 1:
	default:
		return "", Refuse(InvalidTarget, "resource may be given once")
	}
	if values[0] == "" { // an empty parameter counts as absent (OAuth 2.1 §3.1)
		return Resource(issuer), nil
	}
	u, err := url.Parse(values[0])
	if err != nil || len(values[0]) > 2000 || u.User != nil || strings.Contains(values[0], "#") || u.Opaque != "" {
		return "", Refuse(InvalidTarget, "resource must be an absolute URL without fragment or user information")
	}
	origin := strings.ToLower(u.Scheme) + "://" + withoutDefaultPort(strings.ToLower(u.Scheme), strings.ToLower(u.Host))
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	if origin != issuer || (path != "" && path != MCPPath) {
		return "", Refuse(InvalidTarget, "resource must be %s", Resource(issuer))
	}
	return Resource(issuer), nil
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
