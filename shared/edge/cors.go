package edge

import "net/http"

// The lists for browser clients. Any origin may call, without credentials of the
// browser: these endpoints know tokens and secrets that a caller has to send, and
// no cookie.
const (
	corsMethods = "GET, POST, DELETE, OPTIONS"
	corsHeaders = "Authorization, Content-Type, Accept, " +
		"MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID"
	corsExpose = "WWW-Authenticate, Mcp-Session-Id, X-Request-Id, Retry-After"
	corsMaxAge = "7200" // seconds; what Chromium accepts at most
)

func setCORS(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", corsExpose)
}

// preflight answers OPTIONS of a path that has these methods.
func preflight(w http.ResponseWriter, r *http.Request, methods []string) {
	h := w.Header()
	h.Set("Allow", allow(methods))
	if stateOf(r.Context()).answers.Headers == nil {
		list := corsMethods
		for _, m := range methods {
			if m == http.MethodPut {
				list = "GET, POST, PUT, DELETE, OPTIONS"
			}
		}
		h.Set("Access-Control-Allow-Methods", list)
		h.Set("Access-Control-Allow-Headers", corsHeaders)
		h.Set("Access-Control-Max-Age", corsMaxAge)
	}
	w.WriteHeader(http.StatusNoContent)
}
