package edge

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"github.com/postern-dev/postern/shared/credential"
)

// A Document is an answer that is the same for everybody. It is rendered once and never
// changed.
type Document struct {
	body   []byte
	media  string
	etag   string // strong (RFC 9110 §8.8.3): it names these bytes
	maxAge time.Duration
}

// NewDocument returns body as a document of a media type that caches may keep for maxAge.
func NewDocument(body []byte, media string, maxAge time.Duration) Document {
	return Document{body: body, media: media, etag: `"` + credential.Hash(string(body)) + `"`, maxAge: maxAge}
}

// Serve answers with the document, or with 304 to a caller who has it (RFC 9110 §13.1.2).
func (d Document) Serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", d.media)
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(d.maxAge/time.Second)))
	h.Set("Etag", d.etag)
	// Part of a document is not a document.
	r.Header.Del("Range")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.body))
}
