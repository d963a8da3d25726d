package cimd

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// How long a document is good for, whatever its host says (SF-10).
const (
	minLifetime = 5 * time.Minute
	maxLifetime = 24 * time.Hour
	// staleIfError is how much longer it is used while its host is down (RFC 5861 §4).
	staleIfError = 24 * time.Hour
)

// lifetime returns how long an answer may be kept (RFC 9111 §4.2), within our bounds.
// s-maxage is for caches like this one and goes before max-age.
func lifetime(h http.Header) time.Duration {
	seconds := map[string]int{}
	for directive := range strings.SplitSeq(strings.ToLower(strings.Join(h.Values("Cache-Control"), ",")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if name == "no-store" || name == "no-cache" {
			return minLifetime
		}
		if n, ok := parseSeconds(strings.Trim(value, `"`)); ok {
			seconds[name] = n
		}
	}
	n, ok := seconds["s-maxage"]
	if !ok {
		n = seconds["max-age"]
	}
	age, _ := parseSeconds(h.Get("Age"))
	return min(max(time.Duration(n-age)*time.Second, minLifetime), maxLifetime)
}

// parseSeconds reads a number of seconds, at most a year.
func parseSeconds(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, false
	}
	return min(n, 365*24*3600), true
}

// etagOf returns a validator that is worth keeping.
func etagOf(h http.Header) string {
	if e := h.Get("Etag"); len(e) <= 200 {
		return e
	}
	return ""
}
