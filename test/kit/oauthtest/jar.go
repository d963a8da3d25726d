package oauthtest

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postern-dev/postern/shared/origin"
)

// A jar keeps cookies as browsers do where it matters for a sign-in and where
// net/http/cookiejar differs: loopback http counts as secure for Secure cookies,
// __Host- and __Secure- names are enforced and want https, SameSite is obeyed. All
// cookies are host-only; a Domain other than the host is refused. As in browsers,
// ports do not separate cookies.
type jar struct {
	now func() time.Time

	mu      sync.Mutex
	cookies []keptCookie // in order of creation
}

type keptCookie struct {
	host string
	http.Cookie
	expiry time.Time // zero: until the browser closes
}

// isLoopback is a browser's rule, in which names below localhost are this machine too.
func isLoopback(u *url.URL) bool {
	return origin.Loopback(u.Hostname()) || strings.HasSuffix(u.Hostname(), ".localhost")
}

// acceptable applies the rules under which a browser drops a cookie on arrival.
func acceptable(u *url.URL, c *http.Cookie) bool {
	https := u.Scheme == "https"
	lower := strings.ToLower(c.Name)
	switch {
	case c.Domain != "" && strings.TrimPrefix(c.Domain, ".") != u.Hostname():
		return false
	case strings.HasPrefix(lower, "__host-"):
		return https && c.Secure && c.Path == "/" && c.Domain == ""
	case strings.HasPrefix(lower, "__secure-"):
		return https && c.Secure
	case c.SameSite == http.SameSiteNoneMode && !c.Secure:
		return false
	}
	return !c.Secure || https || isLoopback(u)
}

// set takes over the cookies of an answer.
func (j *jar) set(u *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range cookies {
		if acceptable(u, c) {
			j.put(u, *c)
		}
	}
}

func (j *jar) put(u *url.URL, c http.Cookie) {
	if c.Path == "" || c.Path[0] != '/' {
		c.Path = defaultPath(u.Path)
	}
	k := keptCookie{host: u.Hostname(), Cookie: c, expiry: c.Expires}
	if c.MaxAge > 0 {
		k.expiry = j.now().Add(time.Duration(c.MaxAge) * time.Second)
	}
	same := func(o keptCookie) bool { return o.host == k.host && o.Name == k.Name && o.Path == k.Path }
	gone := c.MaxAge < 0 || !k.expiry.IsZero() && !k.expiry.After(j.now())
	i := slices.IndexFunc(j.cookies, same)
	switch {
	case gone:
		j.cookies = slices.DeleteFunc(j.cookies, same)
	case i >= 0:
		j.cookies[i] = k
	default:
		j.cookies = append(j.cookies, k)
	}
}

// defaultPath is the directory of the request (RFC 6265 §5.1.4).
func defaultPath(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i <= 0 {
		return "/"
	}
	return path[:i]
}

// get returns the cookies for a navigation, longest path first. crossSite is set if
// another site started it.
func (j *jar) get(u *url.URL, method string, crossSite bool) []keptCookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cookies = slices.DeleteFunc(j.cookies, func(c keptCookie) bool {
		return !c.expiry.IsZero() && !c.expiry.After(j.now())
	})
	var send []keptCookie
	for _, c := range j.cookies {
		secure := !c.Secure || u.Scheme == "https" || isLoopback(u)
		allowed := secure && (!crossSite || crosses(c.SameSite, method))
		if c.host == u.Hostname() && allowed && underPath(u.Path, c.Path) {
			send = append(send, c)
		}
	}
	slices.SortStableFunc(send, func(a, b keptCookie) int { return cmp.Compare(len(b.Path), len(a.Path)) })
	return send
}

// crosses reports whether a cookie goes along when another site navigates here:
// Lax, which is also what saying nothing means, with GET only.
func crosses(s http.SameSite, method string) bool {
	switch s {
	case http.SameSiteNoneMode:
		return true
	case http.SameSiteStrictMode:
		return false
	}
	return method == http.MethodGet
}

func underPath(path, cookiePath string) bool {
	if path == "" {
		path = "/"
	}
	return path == cookiePath || strings.HasPrefix(path, strings.TrimSuffix(cookiePath, "/")+"/")
}
