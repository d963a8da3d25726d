package mcp

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/postern-dev/postern/shared/origin"
)

// addresses returns an address as it is written, and as servers that tidy it up read it,
// without escapes and dots: by the rules of URLs, or as one long path. There are none of an
// address that is no URL, or that libraries read in ways that nobody can foresee.
//
// The SDKs of TypeScript and Python read addresses as browsers do (WHATWG, URL Standard
// §4.4): with \ as a slash, and without blanks around it.
func addresses(uri *string) []string {
	if uri == nil || strings.TrimSpace(*uri) != *uri {
		return nil
	}
	u, err := url.Parse(*uri) // it takes no control characters
	if err == nil && slices.Contains(special, u.Scheme) {
		u, err = asBrowsers(u.Scheme, (*uri)[len(u.Scheme)+1:])
	}
	if err != nil || strings.Contains(*uri, `\`) || strings.Contains(u.Path, `\`) {
		return nil
	}
	if u.Opaque != "" {
		opaque, err := url.PathUnescape(u.Opaque)
		if err != nil {
			return nil
		}
		return []string{*uri, u.Scheme + ":" + opaque}
	}
	query := ""
	if u.RawQuery != "" {
		query = "?" + u.RawQuery
	}
	out := []string{*uri, u.Scheme + "://" + u.Host + tidied(u.Path) + query}
	if u.Host != "" {
		out = append(out, u.Scheme+":/"+tidied("/"+u.Host+u.Path)+query)
	}
	if plain, err := url.PathUnescape(query); err == nil && plain != query {
		for _, spelling := range out[1:] {
			out = append(out, strings.TrimSuffix(spelling, query)+plain)
		}
	}
	return out
}

// special are the schemes of which browsers know more (URL Standard §3.1, special scheme),
// with the ports that may be left out.
var (
	special = []string{"file", "ftp", "http", "https", "ws", "wss"}
	ports   = map[string]string{"ftp": "21", "http": "80", "https": "443", "ws": "80", "wss": "443"}
)

// asBrowsers reads an address of a special scheme: with any number of slashes before the
// host, which is in lower case and without the scheme's port. A host that is not ASCII could
// become any other, and so could one that is a number.
func asBrowsers(scheme, rest string) (*url.URL, error) {
	switch {
	case scheme != "file":
		rest = "//" + strings.TrimLeft(rest, "/")
	case !strings.HasPrefix(rest, "/"):
		rest = "///" + rest
	}
	u, err := url.Parse(scheme + ":" + rest)
	if err != nil {
		return nil, err
	}
	port := strings.TrimLeft(u.Port(), "0")
	u.Host = strings.ToLower(strings.TrimSuffix(u.Host, ":"+u.Port()))
	switch {
	case !origin.ValidHost(u.Host) && (scheme != "file" || u.Host != ""):
		return nil, url.InvalidHostError(u.Host)
	case scheme == "file" && u.Host == "localhost":
		u.Host = ""
	case port != "" && port != ports[scheme]:
		u.Host += ":" + port
	}
	return u, nil
}

// tidied returns a path without dots, and with the slash at its end if it has one.
func tidied(p string) string {
	if p == "" {
		return ""
	}
	clean := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}
