package fastmcp

import (
	"net/url"
	"slices"
)

// spellings returns redirect URIs as the clients may send them. FastMCP stores what
// pydantic's AnyUrl made of them, which writes "/" where a web address has no path; here
// they are compared byte for byte.
func spellings(uris []string) []string {
	var out []string
	for _, uri := range uris {
		out = append(out, uri)
		u, err := url.Parse(uri)
		if err != nil || u.Path != "/" || u.Scheme != "https" {
			continue
		}
		u.Path = ""
		if bare := u.String(); !slices.Contains(uris, bare) {
			out = append(out, bare)
		}
	}
	return out
}
