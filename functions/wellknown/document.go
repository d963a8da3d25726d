package wellknown

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/signing"
)

// How long an answer may be kept. A key has to be shown for at least keysMaxAge
// before it signs and after it last signed.
const (
	metadataMaxAge = time.Hour
	keysMaxAge     = 5 * time.Minute
)

// A document is rendered once and never changed.
type document struct {
	body   []byte
	media  string
	etag   string // strong (RFC 9110 §8.8.3): it names these bytes
	maxAge time.Duration
}

func newDocument(body []byte, media string, maxAge time.Duration) document {
	return document{body: body, media: media, etag: `"` + credential.Hash(string(body)) + `"`, maxAge: maxAge}
}

// render returns v as a document.
func render(v any) (document, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return document{}, fmt.Errorf("render metadata: %w", err)
	}
	return newDocument(b.Bytes(), "application/json", metadataMaxAge), nil
}

// serve answers with the document, or with 304 to a caller who has it (RFC 9110 §13.1.2).
func (d document) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", d.media)
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(d.maxAge/time.Second)))
	h.Set("Etag", d.etag)
	// Part of a document is not a document.
	r.Header.Del("Range")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.body))
}

// perIssuer serves what describe says about an issuer: rendered now if the issuer is
// configured, else for the origin of each request.
func perIssuer(configured origin.Origin, describe func(issuer string) any) edge.HandlerFunc {
	rendered, err := render(describe(configured.String()))
	return func(w http.ResponseWriter, r *http.Request) error {
		d, err := rendered, err
		if configured.IsZero() {
			d, err = render(describe(edge.Issuer(r).String()))
		}
		if err != nil {
			return err
		}
		d.serve(w, r)
		return nil
	}
}

// text serves a text that an operator may change at any time.
func text(s string) edge.HandlerFunc {
	d := newDocument([]byte(s), "text/plain; charset=utf-8", 0)
	return func(w http.ResponseWriter, r *http.Request) error {
		d.serve(w, r)
		return nil
	}
}

// keys serves the JWK Set. While it cannot be read this is a fault of ours, and of
// this document alone.
func keys(file *keyfile.File[signing.KeySet]) edge.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		set, err := file.Get(r.Context())
		if err != nil {
			return fmt.Errorf("verification keys: %w", err)
		}
		newDocument(set.Format(), "application/json", keysMaxAge).serve(w, r)
		return nil
	}
}
