package mcp

import (
	"net/http"

	"github.com/postern-dev/postern/shared/edge"
)

// opened reports whether a person opened the address in a browser, which is easily done with one
// that is there to be copied. A client of MCP never prefers HTML.
func opened(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && edge.WantsPage(r)
}

// toFrontDoor leads to the page that says what this is and how to connect to it.
func toFrontDoor(w http.ResponseWriter) {
	w.Header().Set("Vary", "Accept")
	w.Header().Set("Location", "/")
	w.WriteHeader(http.StatusSeeOther)
}
