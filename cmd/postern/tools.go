package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/postern-dev/postern/cmd/postern/internal/front"
	"github.com/postern-dev/postern/shared/origin"
)

// ownTools returns what serves /mcp by the author's own program at an address. The program
// sees the requests as they came, and checks tokens itself.
func ownTools(address string, log *slog.Logger) (http.Handler, error) {
	to, err := url.Parse(address)
	if err != nil || !origin.LoopbackURL(address) {
		return nil, fmt.Errorf("--tools is %q: want an address of this computer, like http://127.0.0.1:8080", address)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // by which the program knows the issuer
		},
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			log.WarnContext(r.Context(), "the program of --tools does not answer", "address", address, "error", err)
			front.Answer(w, http.StatusBadGateway, "The program with the tools does not answer: start it.")
		},
	}, nil
}
