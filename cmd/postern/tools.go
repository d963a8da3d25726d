package main

import (
	"bytes"
	"fmt"
	"io"
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
	return whole(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // by which the program knows the issuer
		},
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			log.WarnContext(r.Context(), "the program of --tools does not answer", "address", address, "error", err)
			front.Answer(w, http.StatusBadGateway, "The program with the tools does not answer: start it.")
		},
	}), nil
}

// largest is what API Gateway lets through, in bytes.
const largest = 32 << 20

// whole reads the body of a request before next has it. Where an answer comes before a proxy
// has seen the end of the body, Go's server closes the body, and Go's transport cuts the
// answer off.
func whole(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largest))
		if err != nil {
			front.Answer(w, http.StatusRequestEntityTooLarge, "The request is too large, or ended early.")
			return
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		next.ServeHTTP(w, r)
	})
}
