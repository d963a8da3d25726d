package emulate

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

// egress is the address from which the gateway calls functions (RFC 5737: given to nobody).
const egress = "192.0.2.1"

// request returns what a function gets for r.
func (b *backend) request(ctx context.Context, r *http.Request, in *instance, body []byte) *http.Request {
	out := r.Clone(ctx)
	out.RequestURI = ""
	out.URL.Scheme, out.URL.Host = "http", in.address
	out.Host = backendHost(b.fleet.name)
	out.Body, out.GetBody, out.ContentLength = io.NopCloser(bytes.NewReader(body)), nil, int64(len(body))
	out.TransferEncoding, out.Trailer = nil, nil
	if len(body) == 0 {
		out.Body = http.NoBody
	}
	dropHopByHop(out.Header)
	for name := range out.Header {
		if strings.HasPrefix(name, "X-Google-") {
			delete(out.Header, name)
		}
	}
	swapAuthorization(out.Header, "https://"+out.Host)
	b.addForwarded(out.Header, r)
	return out
}

// backendHost is the deterministic name of a function's service. Nothing may depend on
// it: it is another one than the public name.
func backendHost(name string) string { return name + "-000000000000.europe-west1.run.app" }

// swapAuthorization puts the gateway's ID token into Authorization. What the client
// sent there goes to X-Forwarded-Authorization; only then what it sent as that is lost.
func swapAuthorization(h http.Header, audience string) {
	if sent := h.Values("Authorization"); len(sent) > 0 {
		h.Set("X-Forwarded-Authorization", strings.Join(sent, ","))
	}
	h.Set("Authorization", "Bearer "+idToken(audience))
}

// idToken returns a token that looks like Google's after Cloud Run has checked it,
// which takes the signature off.
func idToken(audience string) string {
	part := func(v any) string {
		data, _ := json.Marshal(v) // maps of strings and numbers
		return base64.RawURLEncoding.EncodeToString(data)
	}
	now := time.Now().Unix()
	head := part(map[string]any{"alg": "RS256", "kid": "emulated", "typ": "JWT"})
	claims := part(map[string]any{
		"aud": audience, "azp": "100000000000000000000",
		"sub": "100000000000000000000", "iss": "https://accounts.google.com",
		"email": "gateway@" + project + ".iam.gserviceaccount.com", "email_verified": true,
		"iat": now, "exp": now + 3600,
	})
	return head + "." + claims + ".SIGNATURE_REMOVED_BY_GOOGLE"
}

// addForwarded says where a request came from: the gateway adds the caller's address and
// the platform the gateway's.
func (b *backend) addForwarded(h http.Header, r *http.Request) {
	client, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		client = r.RemoteAddr
	}
	h.Set("X-Forwarded-For", strings.Join(append(h.Values("X-Forwarded-For"), client, egress), ", "))
	scheme, _, _ := strings.Cut(b.origin, "://")
	h.Set("X-Forwarded-Proto", scheme)
	h.Set("X-Envoy-Original-Path", r.URL.RequestURI())
}

// addTrace gives a request a trace unless its sender did. It is one for all attempts, by
// which a function recognises a request that it has done before.
func addTrace(h http.Header) {
	if h.Get("Traceparent") != "" || h.Get("X-Cloud-Trace-Context") != "" {
		return
	}
	var id [24]byte
	_, _ = rand.Read(id[:]) // never fails
	h.Set("Traceparent", "00-"+hex.EncodeToString(id[:16])+"-"+hex.EncodeToString(id[16:])+"-00")
}

// dropHopByHop removes what is between two neighbours (RFC 9110 §7.6.1).
func dropHopByHop(h http.Header) {
	for _, line := range h.Values("Connection") {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(textproto.TrimString(name))
		}
	}
	for _, name := range []string{
		"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te",
		"Trailer", "Transfer-Encoding", "Upgrade",
	} {
		h.Del(name)
	}
}
