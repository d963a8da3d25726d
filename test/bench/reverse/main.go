// Command reverse is what a proxied call is compared with: a bare reverse proxy in front of
// the server at $UPSTREAM.
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	upstream, err := url.Parse(os.Getenv("UPSTREAM"))
	if err != nil {
		log.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64}, // as many as ours keeps
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(upstream) },
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), proxy)) //nolint:gosec // a caller that is known
}
