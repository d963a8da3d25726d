package edge

import (
	"net/http"
	"strings"
)

// The lists for browser clients. Any origin may call, without credentials of the
// browser: these endpoints know tokens and secrets that a caller has to send, and
// no cookie.
const (
	corsHeaders = "Authorization, Content-Type, Accept, " +
		"MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID"
	corsExpose = "WWW-Authenticate, Mcp-Session-Id, X-Request-Id, Retry-After"
	corsMaxAge = "7200" // seconds; what Chromium accepts at most
)

func setCORS(h http.Header) {
	setSame(h, "Access-Control-Allow-Origin", anyOrigin)
	setSame(h, "Access-Control-Expose-Headers", exposeCORS)
}

// preflight answers OPTIONS of a path that has these methods.
func preflight(w http.ResponseWriter, r *http.Request, methods []string) {
	h := w.Header()
	h.Set("Allow", allow(methods))
	if stateOf(r.Context()).answers.Headers == nil {
		h.Set("Access-Control-Allow-Methods", allow(methods))
		h.Set("Access-Control-Allow-Headers", corsHeaders+params(r.Header))
		h.Set("Access-Control-Max-Age", corsMaxAge)
	}
	w.WriteHeader(http.StatusNoContent)
}

// params lists the headers that are asked for and mirror an argument of a tool (MCP
// 2026-07-28, Custom Headers). Their names end as the tool likes, and CORS has no pattern
// for that, so those that were asked for are the list.
func params(h http.Header) string {
	const prefix = "mcp-param-"
	var list strings.Builder
	for name := range strings.SplitSeq(h.Get("Access-Control-Request-Headers"), ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		if strings.HasPrefix(name, prefix) && unreserved(name) && len(name) <= maxParam && list.Len() < maxParams {
			list.WriteString(", " + name)
		}
	}
	return list.String()
}

// Limits of what a preflight is answered with, in bytes.
const (
	maxParam  = 128
	maxParams = 4 << 10
)
