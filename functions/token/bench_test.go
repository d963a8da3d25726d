package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/benchtest"
)

// A bare is what an exchange cannot do without: one ES256 signature, the hashes that find its documents and check
// its credentials, and the sealing of what it reads and writes.
type bare struct {
	f       *endpoint
	opened  []string // sealed records that it reads
	written []byte   // the record that it writes
	key     *ecdsa.PrivateKey
}

var bareLabel = seal.Label{Purpose: "record", Collection: "grants", Document: credential.Hash("x"), Field: "body"}

func newBare(tb testing.TB, f *endpoint, read [][]byte, written []byte) *bare {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(tb, err)
	b := &bare{f: f, written: written, key: key}
	for _, plain := range read {
		sealed, err := f.Sealer.Seal(tb.Context(), bareLabel, plain)
		must(tb, err)
		b.opened = append(b.opened, sealed)
	}
	return b
}

// do does the bare work once: writes sealings, two document ids, two MACs of refresh tokens.
func (b *bare) do(tb testing.TB, writes, macs int) {
	ctx := tb.Context()
	for _, sealed := range b.opened {
		_ = credential.Hash(bareLabel.Document)
		if _, err := b.f.Sealer.Open(ctx, bareLabel, sealed); err != nil {
			tb.Fatal(err)
		}
	}
	for range macs {
		m := hmac.New(sha256.New, b.written[:32])
		m.Write(b.written[:58])
		m.Sum(nil)
	}
	for range writes {
		if _, err := b.f.Sealer.Seal(ctx, bareLabel, b.written); err != nil {
			tb.Fatal(err)
		}
	}
	digest := sha256.Sum256(b.written[:450]) // a token's signing input
	if _, err := ecdsa.SignASN1(rand.Reader, b.key, digest[:]); err != nil {
		tb.Fatal(err)
	}
}

func (f *endpoint) quiet(tb testing.TB) {
	tb.Helper()
	f.Config.Log, f.Config.Edge.Log = nil, nil
	h, err := New(f.Config)
	must(tb, err)
	f.Handler = h
}

var tokenURL = &url.URL{Path: oauth.TokenPath}

// exchange serves one form, with as little work around it as can be.
func (f *endpoint) exchange(tb testing.TB, body string) string {
	r := &http.Request{
		Method: http.MethodPost, URL: tokenURL, RequestURI: oauth.TokenPath, Host: "auth.example.com",
		RemoteAddr: "192.0.2.1:1234",
		Header:     http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		Body:       io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
	w := &benchtest.Sink{}
	f.ServeHTTP(w, r)
	if w.Status != http.StatusOK {
		tb.Fatalf("got %d %s", w.Status, w.Body)
	}
	return string(w.Body)
}

// Budget 2.0x (design.md): a refresh over the in-memory driver against its own signature and hashes.
func BenchmarkRefresh(b *testing.B) {
	f := open(b, func(f *endpoint) { f.Memory.RunOnce() })
	f.quiet(b)
	token := f.connect(b, publicID).RefreshToken
	bare := newBare(b, f, [][]byte{make([]byte, 400), make([]byte, 700)}, make([]byte, 700))
	benchtest.Ratio(b, func() {
		f.Clock.Advance(time.Hour) // as a client does whose access token is about to expire
		answer := f.exchange(b, "grant_type=refresh_token&client_id="+publicID+"&refresh_token="+token)
		_, after, _ := strings.Cut(answer, `"refresh_token":"`)
		token, _, _ = strings.Cut(after, `"`)
	}, func() { bare.do(b, 1, 2) })
}

// A code's redemption likewise; it writes two records.
func BenchmarkRedeem(b *testing.B) {
	f := open(b, func(f *endpoint) { f.Memory.RunOnce() })
	f.quiet(b)
	codes := make([]string, b.N+64) // Ratio works in whole batches
	for i := range codes {
		codes[i] = f.issue(b, publicID, "", func(l *store.Login) { l.Record.Expiry = l.Record.Expiry.Add(time.Hour) })
	}
	bare := newBare(b, f, [][]byte{make([]byte, 400), make([]byte, 500)}, make([]byte, 600))
	b.ResetTimer()
	next := 0
	benchtest.Ratio(b, func() {
		f.exchange(b, "grant_type=authorization_code&client_id="+publicID+
			"&code="+codes[next]+"&code_verifier="+verifier)
		next++
	}, func() { bare.do(b, 2, 1) })
}
