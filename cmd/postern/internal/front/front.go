// Package front does locally what API Gateway does in production: it looks a request
// up in the path map and hands it to the function that owns the route. What the map
// does not list is answered here, as the gateway answers it, and reaches no function.
package front

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/postern-dev/postern/terraform/gateway"
)

// New returns a handler that routes by m to the backends, which are keyed by the
// function's name. The error names a function of the map that has no backend.
func New(m *gateway.Map, backends map[string]http.Handler) (http.Handler, error) {
	for _, route := range m.Routes() {
		if backends[route.Function] == nil {
			return nil, fmt.Errorf("path map: %s %s goes to %s, which is not there",
				route.Method, route.Path, route.Function)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, known, ok := m.Match(r.Method, r.URL.EscapedPath())
		if !ok {
			refuse(w, r, known)
			return
		}
		backends[route.Function].ServeHTTP(w, r)
	}), nil
}

// readTime is how long a body may take that nobody wants. net/http reads it to the end
// before it lets the answer go.
const readTime = 10 * time.Second

// refuse answers in the gateway's own JSON, without CORS headers and without a challenge.
func refuse(w http.ResponseWriter, r *http.Request, known bool) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTime)) // a writer of a test has none
	}
	status, message := http.StatusNotFound, "The current request is not defined by this API."
	if known {
		status = http.StatusMethodNotAllowed
		message = fmt.Sprintf("The current request is matched to the defined url template "+
			"but its http method %s is not allowed", r.Method)
	}
	Answer(w, status, message)
}

// Answer writes an answer of the gateway's own.
func Answer(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{status, message})
}
