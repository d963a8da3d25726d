package proxy

import (
	"net/http"
	"strings"
)

// requestHeaders are what goes on of a client's headers, beside those that mirror an
// argument of a tool (Mcp-Param-*). Its token does not, nor a cookie, an origin, an
// address, or a name under which other proxies tell who calls. Ids of sessions and events are
// not those of the server, which are in [Call.Header].
var requestHeaders = []string{
	"Accept", "Content-Type", "Mcp-Method", "Mcp-Name", "Mcp-Protocol-Version", "Traceparent", "Tracestate",
	"User-Agent",
}

const paramPrefix = "Mcp-Param-"

// responseHeaders are what comes back of a server's headers. It cannot set a cookie, a
// policy, CORS or a challenge in our name, and what is kept and for how long is ours to say.
var responseHeaders = []string{"Allow", "Content-Type", "Mcp-Protocol-Version", "Mcp-Session-Id", "Retry-After"}

// sent returns the headers that go on.
func sent(client http.Header) http.Header {
	out := http.Header{}
	for _, name := range requestHeaders {
		if values := client[name]; len(values) > 0 {
			out[name] = values
		}
	}
	for name, values := range client {
		if strings.HasPrefix(name, paramPrefix) {
			out[name] = values
		}
	}
	return out
}
