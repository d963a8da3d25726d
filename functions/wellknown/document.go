package wellknown

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/signing"
)

// metadataMaxAge is how long metadata may be kept.
const metadataMaxAge = time.Hour

// render returns v as a document.
func render(v any) (edge.Document, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return edge.Document{}, fmt.Errorf("render metadata: %w", err)
	}
	return edge.NewDocument(b.Bytes(), "application/json", metadataMaxAge), nil
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
		d.Serve(w, r)
		return nil
	}
}

// text serves a text that an operator may change at any time.
func text(s string) edge.HandlerFunc {
	d := edge.NewDocument([]byte(s), "text/plain; charset=utf-8", 0)
	return func(w http.ResponseWriter, r *http.Request) error {
		d.Serve(w, r)
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
		edge.NewDocument(set.Format(), "application/json", signing.KeysMaxAge).Serve(w, r)
		return nil
	}
}
