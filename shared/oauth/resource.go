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
// returns the canonical identifier they mean. None, or empty ones, mean the only
// one there is; several that mean the same count once.
// Scheme and host match in any case; one trailing slash and a query are
// overlooked; the bare origin means the MCP endpoint. Anything else is invalid_target.
func ParseResource(values []string, issuer string) (string, error) {
	for _, value := range values {
		if err := checkResource(value, issuer); err != nil {
			return "", err
		}
	}
	return Resource(issuer), nil
}

// checkResource refuses a value that does not mean the one resource there is.
func checkResource(value, issuer string) error {
	if value == "" { // an empty parameter counts as absent (OAuth 2.1 §3.1)
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || len(value) > 2000 || u.User != nil || strings.Contains(value, "#") || u.Opaque != "" {
		return Refuse(InvalidTarget, "resource must be an absolute URL without fragment or user information")
	}
	origin := strings.ToLower(u.Scheme) + "://" + withoutDefaultPort(strings.ToLower(u.Scheme), strings.ToLower(u.Host))
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	if origin != issuer || (path != "" && path != MCPPath) {
		return Refuse(InvalidTarget, "resource must be %s", Resource(issuer))
	}
	return nil
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
